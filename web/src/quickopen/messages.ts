import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  title: ['Open a file', 'Открыть файл'],
  placeholder: ['Letters of a name or path; :12 for a line', 'Буквы имени или пути; :12 для строки'],
  none: ['No file fits.', 'Подходящих файлов нет.'],
  searching: ['Looking …', 'Поиск …'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
