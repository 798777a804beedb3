import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  unified: ['One below the other', 'Друг под другом'],
  split: ['Side by side', 'Рядом'],
  next: ['Next change', 'Следующее изменение'],
  previous: ['Previous change', 'Предыдущее изменение'],
  before: ['{path}, before', '{path}, было'],
  after: ['{path}, after', '{path}, стало'],
  same: ['There is no difference.', 'Различий нет.'],
  changes: [
    { one: '{n} change', other: '{n} changes' },
    { one: '{n} изменение', few: '{n} изменения', many: '{n} изменений', other: '{n} изменения' },
  ],
} as const satisfies Catalogue;

export const t = translator(catalogue);
