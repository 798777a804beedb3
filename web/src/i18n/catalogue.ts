/** A text that depends on a number `n`; Russian needs `few` and `many`. */
export interface Plural {
  one: string;
  few?: string;
  many?: string;
  other: string;
}

export type Text = string | Plural;
export type Language = 'en' | 'ru';

/** A feature's texts: the key, then English and Russian. `{name}` is where a value goes. */
export type Catalogue = Readonly<Record<string, readonly [english: Text, russian: Text]>>;

export type Values = Readonly<Record<string, string | number>>;

const PLURALS = { en: new Intl.PluralRules('en'), ru: new Intl.PluralRules('ru') };

/** Chooses the form and puts the values in; `n` decides between plural forms. */
export function render(text: Text, language: Language, values: Values = {}): string {
  const form = typeof text === 'string' ? text : plural(text, language, Number(values.n ?? 0));
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function plural(text: Plural, language: Language, n: number): string {
  const category = PLURALS[language].select(n);
  return (category in text ? text[category as keyof Plural] : undefined) ?? text.other;
}
