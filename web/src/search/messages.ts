import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  search: ['Search', 'Поиск'],
  pattern: ['Search in files', 'Найти в файлах'],
  replacement: ['Replace with', 'Заменить на'],
  showReplace: ['Replace', 'Замена'],
  matchCase: ['Match case', 'Учитывать регистр'],
  wholeWord: ['Whole words', 'Только целые слова'],
  isRegex: ['Regular expression', 'Регулярное выражение'],
  filters: ['Which files', 'Какие файлы'],
  include: ['Only in', 'Только в'],
  exclude: ['Not in', 'Кроме'],
  globHint: ['Such as *.ts, src/**', 'Например: *.ts, src/**'],
  hint: ['Finds text in all files that are not ignored.', 'Ищет текст во всех файлах, кроме игнорируемых.'],
  groups: ['$1 is the first group.', '$1: первая группа.'],
  searching: ['Searching …', 'Идёт поиск …'],
  nothing: ['Nothing was found.', 'Ничего не найдено.'],
  found: ['{matches} in {files}', '{matches}, {files}'],
  foundMore: ['{matches} in {files}; there are more. Narrow the search.', '{matches}, {files}; есть ещё. Уточните поиск.'],
  matches: [
    { one: '{n} match', other: '{n} matches' },
    { one: '{n} совпадение', few: '{n} совпадения', many: '{n} совпадений', other: '{n} совпадения' },
  ],
  files: [
    { one: '{n} file', other: '{n} files' },
    { one: '{n} файл', few: '{n} файла', many: '{n} файлов', other: '{n} файла' },
  ],
  results: ['Results', 'Результаты'],
  replace: [
    { one: 'Replace {n} match', other: 'Replace {n} matches' },
    { one: 'Заменить {n} совпадение', few: 'Заменить {n} совпадения', many: 'Заменить {n} совпадений', other: 'Заменить {n} совпадения' },
  ],
  replaced: [
    { one: '{n} file was changed.', other: '{n} files were changed.' },
    { one: 'Изменён {n} файл.', few: 'Изменено {n} файла.', many: 'Изменено {n} файлов.', other: 'Изменено {n} файла.' },
  ],
  skipped: ['Left as it was: {path}. {reason}', 'Не изменён: {path}. {reason}'],
  chooseFile: ['Replace in {path}', 'Заменить в {path}'],
  chooseMatch: ['Replace the match in line {line}', 'Заменить совпадение в строке {line}'],
  openMatch: ['Open {path}, line {line}', 'Открыть {path}, строка {line}'],
  notText: ['cannot be replaced: no UTF-8 text', 'заменить нельзя: не текст UTF-8'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
