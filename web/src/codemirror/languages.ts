import { LanguageDescription, type LanguageSupport } from '@codemirror/language';
import { languages } from '@codemirror/language-data';

import { nameOf } from '../ui/paths';

/** Highlighting is off above this, in characters: it would hold the typing up. */
export const LARGEST_HIGHLIGHTED = 3_000_000;

/** Endings that the list of languages does not know, and what is close enough. */
const CLOSE: Readonly<Record<string, string>> = {
  ipynb: 'JSON',
  jsonc: 'JSON',
  json5: 'JSON',
  mdx: 'Markdown',
  pyi: 'Python',
  svelte: 'HTML',
  svg: 'XML',
  webmanifest: 'JSON',
};

/** Chooses the language of a file by its name. */
export function languageOf(path: string): LanguageDescription | null {
  const name = nameOf(path);
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const close = CLOSE[ending];
  if (close) return LanguageDescription.matchLanguageName(languages, close);
  if (/^(?:.*\.)?(?:dockerfile|containerfile)(?:\..*)?$/i.test(name)) {
    return LanguageDescription.matchLanguageName(languages, 'Dockerfile');
  }
  return LanguageDescription.matchFilename(languages, name);
}

/** Fetches a language's code; none if there is none for this file or it is too large. */
export async function loadLanguage(path: string, length: number): Promise<LanguageSupport | null> {
  if (length > LARGEST_HIGHLIGHTED) return null;
  return (await languageOf(path)?.load()) ?? null;
}
