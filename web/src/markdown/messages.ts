import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  copy: ['Copy', 'Копировать'],
  copied: ['Copied', 'Скопировано'],
  code: ['Code', 'Код'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
