import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  title: ['There is nothing here', 'Здесь ничего нет'],
  back: ['To the start', 'На главную'],
  starting: ['Opening your project …', 'Открываем проект …'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
