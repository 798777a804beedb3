/**
 * Says how well what was typed fits a title: each word must begin a word of it, or be inside one.
 *
 * @returns Larger fits better; none does not fit.
 */
export function fit(title: string, typed: string): number | null {
  const name = title.toLowerCase();
  let score = 0;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = name.indexOf(word);
    if (at < 0) return null;
    const beginsWord = at === 0 || /[\s:/.-]/.test(name[at - 1] ?? '');
    score += (beginsWord ? 2 : 1) + (at === 0 ? 1 : 0);
  }
  return score;
}
