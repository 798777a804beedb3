/** The value that lets styles made at run time pass the page's policy; empty while developing. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}
