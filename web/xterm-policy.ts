import type { Plugin } from 'vite';

const SOURCE = /@xterm\/xterm\/lib\/xterm\.mjs/;
const STYLE_ELEMENT = /[\w.]+\.createElement\("style"\)/g;
const STYLE_ATTRIBUTE = /(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/g;
const NONCE = `document.querySelector('meta[property="csp-nonce"]')?.nonce??""`;

/**
 * Fits xterm to a policy without inline styles: the style elements that it makes carry the page's
 * nonce, and the styles of letters are set through the object model instead of as an attribute.
 */
export function xtermUnderPolicy(): Plugin {
  return {
    name: 'xterm-under-policy',
    enforce: 'pre',
    transform(code, id) {
      if (!SOURCE.test(id)) return null;
      const elements = code.match(STYLE_ELEMENT)?.length;
      const attributes = code.match(STYLE_ATTRIBUTE)?.length;
      if (elements !== 3 || attributes !== 1) {
        throw new Error(`xterm writes its styles in other places now: ${elements}, ${attributes}.`);
      }
      const changed = code
        .replace(STYLE_ELEMENT, (made) => `Object.assign(${made},{nonce:${NONCE}})`)
        .replace(STYLE_ATTRIBUTE, '$1.style.cssText+=$2');
      return { code: changed, map: null };
    },
  };
}
