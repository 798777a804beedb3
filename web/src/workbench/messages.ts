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
  folders: ['Folders in {path}', 'Папки в {path}'],
  roots: ['Allowed folders', 'Разрешённые папки'],
  up: ['One level up', 'На уровень выше'],
  noFolders: ['There are no folders in here.', 'Здесь нет папок.'],
  moreFolders: ['There are more; type the path of yours.', 'Показаны не все; введите путь к своей.'],
  add: ['Open the folder', 'Открыть папку'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
