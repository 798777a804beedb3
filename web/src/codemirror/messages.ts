import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  leave: [
    'Tab indents. Press Escape, then Tab, or F6 to leave.',
    'Tab делает отступ. Чтобы выйти, нажмите Escape, затем Tab, или F6.',
  ],
} as const satisfies Catalogue;

export const t = translator(catalogue);
