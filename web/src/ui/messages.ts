import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  close: ['Close', 'Закрыть'],
  cancel: ['Cancel', 'Отмена'],
  copy: ['Copy', 'Копировать'],
  copied: ['Copied', 'Скопировано'],
  loading: ['Loading …', 'Загрузка …'],
  failed: [
    'This part could not be loaded: the network failed, or CodeLab was updated. What you typed is kept.',
    'Эту часть не удалось загрузить: сбой сети или CodeLab обновили. Набранное сохранится.',
  ],
  reload: ['Reload the page', 'Перезагрузить страницу'],
  otherProject: ['Choose another project', 'Выбрать другой проект'],
  retry: ['Try again', 'Повторить'],
  unreachable: [
    'The server cannot be reached. Is it running, and is your network up?',
    'Сервер недоступен. Проверьте, запущен ли он и есть ли сеть.',
  ],
  unexpected: ['Something went wrong: {detail}', 'Что-то пошло не так: {detail}'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
