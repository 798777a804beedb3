const LOOKS_LIKE_ADDRESS = /(?:^|[\s/@(])(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}|:\/\//u;
const NOT_ASCII = /[^\u0020-\u007e]/;

/** Whether a model may link there. */
export function isAllowed(address: string): boolean {
  return /^(?:https?:\/\/|mailto:)/i.test(address.trim());
}

/**
 * Returns what to show beside a link whose text may hide where it leads: its host, or nothing.
 */
export function hostToShow(address: string, text: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return address;
  }
  const host = url.protocol === 'mailto:' ? url.pathname : url.host;
  const plain = text.trim().toLowerCase();
  const says = plain.replace(/^(?:https?:\/\/|mailto:)/, '');
  const saysHost = says === host || says.startsWith(`${host}/`);
  const odd = url.username !== '' || host.includes('xn--') || NOT_ASCII.test(address);
  return odd || (LOOKS_LIKE_ADDRESS.test(plain) && !saysHost) ? host : '';
}
