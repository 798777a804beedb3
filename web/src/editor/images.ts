/** Images that are no text; what an .svg holds is text first of all. */
const PICTURES = /\.(?:png|jpe?g|gif|webp)$/i;

/** Tells whether a file is opened as an image. */
export function isPicture(path: string): boolean {
  return PICTURES.test(path);
}

/** Tells whether a file has a preview besides its text, and which. */
export function previewOf(path: string): 'image' | 'markdown' | null {
  if (/\.(?:md|markdown)$/i.test(path)) return 'markdown';
  return /\.svg$/i.test(path) ? 'image' : null;
}

/**
 * Finds the file that a Markdown text names as an image, relative to the text's own folder.
 *
 * @returns None for what is not a file of the workspace.
 */
export function imagePathOf(documentPath: string, source: string): string | null {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i.test(source) || source.includes('\\')) return null;
  let written: string;
  try {
    written = decodeURIComponent(source.replace(/[?#].*$/s, ''));
  } catch {
    return null;
  }
  const folder = written.startsWith('/') ? '' : documentPath.slice(0, documentPath.lastIndexOf('/') + 1);
  const parts: string[] = [];
  for (const part of `${folder}${written}`.split('/')) {
    if (part === '..' && parts.pop() === undefined) return null;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  const path = parts.join('/');
  return isPicture(path) || previewOf(path) === 'image' ? path : null;
}
