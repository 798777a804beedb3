import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  palette: ['Commands', 'Команды'],
  find: ['Type a command', 'Введите команду'],
  none: ['No command has this name.', 'Такой команды нет.'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
