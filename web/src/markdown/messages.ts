import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  code: ['Code', 'Код'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
