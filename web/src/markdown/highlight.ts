import { LanguageDescription } from '@codemirror/language';
import { languages } from '@codemirror/language-data';
import { classHighlighter, highlightCode } from '@lezer/highlight';

import type { Span } from './spans';

/** Cuts code into lines of coloured spans, or none if its language is not known. */
export async function highlight(code: string, language: string): Promise<Span[][] | null> {
  const description = LanguageDescription.matchLanguageName(languages, language, true);
  if (!description) return null;
  const support = await description.load();
  const lines: Span[][] = [[]];
  highlightCode(
    code,
    support.language.parser.parse(code),
    classHighlighter,
    (text, classes) => lines.at(-1)?.push({ text, classes }),
    () => lines.push([]),
  );
  return lines;
}
