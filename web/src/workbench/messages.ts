import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  choose: ['Choose a project', 'Выберите проект'],
  none: [
    'No project yet. Name a folder beneath an allowed root.',
    'Проектов пока нет. Укажите папку внутри разрешённого каталога.',
  ],
  path: ['Folder', 'Папка'],
  pathHint: [
    'A full path, or one beneath the first allowed root.',
    'Полный путь или путь внутри первого разрешённого каталога.',
  ],
  add: ['Open the folder', 'Открыть папку'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
