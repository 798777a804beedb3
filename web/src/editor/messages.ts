import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  loading: ['Opening …', 'Открывается …'],
  save: ['Save', 'Сохранить'],
  saveAll: ['Save all', 'Сохранить все'],
  notSaved: ['{path} was not saved: {why}', 'Файл {path} не сохранён: {why}'],
  goToLine: ['Go to line', 'Перейти к строке'],
  find: ['Find in the file', 'Найти в файле'],
  foldAll: ['Fold all', 'Свернуть все'],
  unfoldAll: ['Unfold all', 'Развернуть все'],
  whitespace: ['Show or hide spaces and tabs', 'Показать или скрыть пробелы и табуляции'],
  wrap: ['Wrap long lines: on or off', 'Перенос длинных строк: включить или выключить'],
  preview: ['Preview', 'Просмотр'],
  previewOf: ['Preview: {name}', 'Просмотр: {name}'],
  ask: ['Ask about the selection', 'Спросить о выделенном'],

  conflict: [
    'This file was changed by somebody else while you were editing it.',
    'Файл изменил кто-то другой, пока вы его правили.',
  ],
  keepMine: ['Keep mine', 'Оставить моё'],
  keepMineHint: ['Overwrites the other change', 'Чужое изменение будет перезаписано'],
  takeTheirs: ['Take theirs', 'Взять чужое'],
  takeTheirsHint: ['Discards what you typed', 'Ваши правки пропадут'],
  merge: ['Merge side by side', 'Объединить рядом'],
  mergeLeft: ['On the disk', 'На диске'],
  mergeRight: ['Yours, to be saved', 'Ваш текст, будет сохранён'],
  mergeSave: ['Save the merged text', 'Сохранить объединённое'],
  mergeBack: ['Back', 'Назад'],
  deleted: [
    'This file was deleted. Its text is still here; saving it brings it back.',
    'Файл удалён. Текст ещё здесь: сохраните его, чтобы вернуть файл.',
  ],
  readOnly: [
    'This file is write-protected and cannot be changed here.',
    'Файл защищён от записи, изменить его здесь нельзя.',
  ],
  large: [
    'Large file: highlighting and checks are off.',
    'Большой файл: подсветка и проверки отключены.',
  ],
  restored: ['Text that was not saved has been restored.', 'Несохранённый текст восстановлен.'],

  notText: ['This file is not text, so it cannot be edited here.', 'Это не текстовый файл, править его здесь нельзя.'],
  tooLarge: [
    'This file is larger than 10 MB. Search it, or look at it in the terminal.',
    'Файл больше 10 МБ. Поищите в нём или откройте его в терминале.',
  ],
  missing: ['There is no such file any more.', 'Такого файла больше нет.'],
  notShown: ['The image cannot be shown.', 'Изображение не удалось показать.'],
  imageOf: ['{name}, {width} × {height}, {size}', '{name}, {width} × {height}, {size}'],
  retry: ['Try again', 'Повторить'],

  closing: ['Save the changes to {name}?', 'Сохранить изменения в файле {name}?'],
  closingText: ['Otherwise they are lost.', 'Иначе они пропадут.'],
  discard: ['Don’t save', 'Не сохранять'],
  cancel: ['Cancel', 'Отмена'],

  position: ['Line {line}, column {column}', 'Строка {line}, столбец {column}'],
  selected: [
    { one: '{n} character selected', other: '{n} characters selected' },
    { one: 'выделен {n} символ', few: 'выделено {n} символа', many: 'выделено {n} символов', other: 'выделено {n} символа' },
  ],
  cursors: [
    { one: '{n} cursor', other: '{n} cursors' },
    { one: '{n} курсор', few: '{n} курсора', many: '{n} курсоров', other: '{n} курсора' },
  ],
  spaces: [
    { one: '{n} space', other: '{n} spaces' },
    { one: '{n} пробел', few: '{n} пробела', many: '{n} пробелов', other: '{n} пробела' },
  ],
  tabIndent: ['Tabs', 'Табуляция'],
  plainText: ['Plain text', 'Обычный текст'],
  noHighlight: ['No highlighting', 'Без подсветки'],
  locked: ['Write-protected', 'Защищён от записи'],

  problems: ['Problems', 'Проблемы'],
  noProblems: ['No problems in the open files.', 'В открытых файлах проблем нет.'],
  problemAt: ['Line {line}, column {column}', 'Строка {line}, столбец {column}'],
  error: ['Error', 'Ошибка'],
  warning: ['Warning', 'Предупреждение'],
  nextProblem: ['Next problem', 'Следующая проблема'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
