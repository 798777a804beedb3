import { render, type Catalogue, type Values } from './catalogue';
import { language } from './language.svelte';

export type { Catalogue } from './catalogue';
export { language } from './language.svelte';

/**
 * Makes the function that says a feature's texts in the interface's language.
 *
 * Every feature keeps its texts in its own `messages.ts`, which exports `catalogue` and `t`.
 */
export function translator<C extends Catalogue>(
  catalogue: C,
): (key: keyof C & string, values?: Values) => string {
  return (key, values) => {
    const entry = catalogue[key];
    if (!entry) return key;
    return render(entry[language.current === 'ru' ? 1 : 0], language.current, values);
  };
}
