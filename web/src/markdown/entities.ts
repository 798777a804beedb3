const WRITER = document.createElement('textarea');

/**
 * Reads a named character reference such as `&eacute;` as the browser does.
 *
 * It stands in for the package of this name, whose table of all names is a quarter of
 * the code that shows an answer.
 */
export function decodeHTMLStrict(reference: string): string {
  // Text only: within a textarea nothing else is read.
  WRITER.innerHTML = reference;
  const read = WRITER.value;
  // Of an unknown name a beginning may be known, as in `&notit;`; that is not what was written.
  return read.length > 1 && read.endsWith(';') ? reference : read;
}
