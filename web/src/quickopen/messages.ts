import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  title: ['Open a file', 'Открыть файл'],
  symbol: ['Go to a symbol of the project', 'К символу проекта'],
  outline: ['Go to a symbol of the open file', 'К символу открытого файла'],
  placeholder: ['Letters of a name or path', 'Буквы имени или пути'],
  prefixes: [
    '# for symbols of the project, @ for those of the open file, : for a line',
    '# — символы проекта, @ — символы открытого файла, : — строка',
  ],
  goToLine: ['Line {line} of {path}', 'Строка {line}, {path}'],
  noFile: ['No file is open.', 'Нет открытого файла.'],
  noSymbol: ['No symbol fits.', 'Подходящих символов нет.'],
  type_symbol: ['The beginning of a name', 'Начало имени'],
  type_line: ['The number of a line', 'Номер строки'],
  none: ['No file fits.', 'Подходящих файлов нет.'],
  searching: ['Looking …', 'Поиск …'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
