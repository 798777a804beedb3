import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  files: ['Files', 'Файлы'],
  tree: ['Files of {name}', 'Файлы проекта {name}'],
  newFile: ['New file', 'Новый файл'],
  newFolder: ['New folder', 'Новая папка'],
  collapse: ['Close all folders', 'Свернуть все папки'],
  rename: ['Rename', 'Переименовать'],
  remove: ['Delete …', 'Удалить …'],
  cut: ['Cut', 'Вырезать'],
  paste: ['Move here: {name}', 'Переместить сюда: {name}'],
  copyPath: ['Copy the path', 'Скопировать путь'],
  open: ['Open', 'Открыть'],
  actions: ['Actions for {name}', 'Действия: {name}'],
  name: ['Name', 'Имя'],
  nameOf: ['New name of {name}', 'Новое имя: {name}'],
  loading: ['Loading …', 'Загрузка …'],
  empty: ['Empty', 'Пусто'],
  tooLarge: ['There is more than can be shown here.', 'Здесь больше, чем можно показать.'],
  emptyProject: ['This project is empty.', 'В этом проекте пока ничего нет.'],
  badEmpty: ['Type a name.', 'Введите имя.'],
  badSlash: ['A name cannot begin or end with a slash.', 'Имя не может начинаться или кончаться косой чертой.'],
  badDots: ['“.” and “..” are no names.', '«.» и «..» не могут быть именами.'],
  badLong: ['The name is too long.', 'Имя слишком длинное.'],
  link: ['symbolic link', 'символическая ссылка'],
  ignored: ['ignored', 'игнорируется'],
  cannotOpen: [
    'This name holds characters that cannot be used here. Rename it in a terminal.',
    'В этом имени есть знаки, с которыми здесь работать нельзя. Переименуйте его в терминале.',
  ],
  deleteTitle: ['Delete {name}?', 'Удалить «{name}»?'],
  deleteFile: [
    'The file is deleted from the disk. It does not go to a bin.',
    'Файл будет удалён с диска. Корзины здесь нет.',
  ],
  deleteLink: [
    'Only the link is deleted; what it leads to stays.',
    'Будет удалена только ссылка; то, на что она указывает, останется.',
  ],
  counting: ['Counting what is in it …', 'Подсчёт содержимого …'],
  holdsFiles: [
    { one: '{n} file', other: '{n} files' },
    { one: '{n} файл', few: '{n} файла', many: '{n} файлов', other: '{n} файла' },
  ],
  holdsFolders: [
    { one: '{n} folder', other: '{n} folders' },
    { one: '{n} папка', few: '{n} папки', many: '{n} папок', other: '{n} папки' },
  ],
  holds: ['With it, this is lost: {files}, {folders}, {size}.', 'Вместе с ней будут потеряны: {files}, {folders}, {size}.'],
  holdsAtLeast: ['With it, at least this is lost: {files}, {folders}, {size}.', 'Вместе с ней будут потеряны как минимум: {files}, {folders}, {size}.'],
  holdsNothing: ['The folder is empty.', 'Папка пуста.'],
  holdsRepository: [
    'A git repository with its history is in it.',
    'В ней находится репозиторий git со всей историей.',
  ],
  deleteIt: ['Delete', 'Удалить'],
  keep: ['Keep it', 'Не удалять'],
  silent: ['Changes from outside do not appear at once: {reason}', 'Изменения извне видны не сразу: {reason}'],
  refresh: ['Look again', 'Обновить'],
  moved: ['{name} waits to be moved. Choose a folder and press Ctrl+V.', '«{name}» ждёт перемещения. Выберите папку и нажмите Ctrl+V.'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
