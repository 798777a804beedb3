import { match, type Route } from './routes';

class Router {
  #path = $state(window.location.pathname);
  #search = $state(window.location.search);

  constructor() {
    window.addEventListener('popstate', () => this.#read());
  }

  /** What the address shows. */
  get route(): Route {
    return match(this.#path);
  }

  /** The address's query. */
  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  /** Goes to an address of the application; `replace` leaves no way back to this one. */
  go(address: string, { replace = false }: { replace?: boolean } = {}): void {
    if (address === window.location.pathname + window.location.search) return;
    if (replace) window.history.replaceState(null, '', address);
    else window.history.pushState(null, '', address);
    this.#read();
  }

  #read(): void {
    this.#path = window.location.pathname;
    this.#search = window.location.search;
  }
}

/** The page's address. */
export const router = new Router();

/** Follows a link within the application without loading the page again. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a[href]');
  if (!(link instanceof HTMLAnchorElement) || !isPlain(event)) return;
  if (link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  if (url.origin !== window.location.origin || !match(url.pathname).ours) return;
  event.preventDefault();
  router.go(url.pathname + url.search);
}

function isPlain(event: MouseEvent): boolean {
  const held = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  return event.button === 0 && !held && !event.defaultPrevented;
}
