import { render, type Values } from './catalogue';

/** The server's sentences in English, with `{name}` where a value goes, and what they are in Russian. */
export type Sentences = Readonly<Record<string, string>>;

/** Says a sentence of the server in Russian; one that is not known stays as it is. */
export function inRussian(said: string, sentences: Sentences): string {
  if (Object.hasOwn(sentences, said)) return sentences[said] ?? said;
  for (const [english, russian] of Object.entries(sentences)) {
    const values = valuesIn(said, english);
    if (!values) continue;
    // A value may be a sentence of its own.
    const spoken = Object.entries(values).map(([name, value]) => [name, inRussian(value, sentences)]);
    return render(russian, 'ru', Object.fromEntries(spoken) as Values);
  }
  return said;
}

function valuesIn(said: string, english: string): Record<string, string> | null {
  const parts = english.split(/\{(\w+)\}/);
  if (parts.length === 1 || !said.endsWith(parts.at(-1) ?? '') || !said.startsWith(parts[0] ?? '')) return null;
  const pattern = parts.map((part, index) => (index % 2 ? `(?<${part}>.+)` : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join('');
  return new RegExp(`^${pattern}$`, 's').exec(said)?.groups ?? null;
}
