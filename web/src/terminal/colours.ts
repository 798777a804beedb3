import type { ITheme } from '@xterm/xterm';

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/** Reads the terminal's colours from the page's variables, as they are in the theme shown now. */
export function coloursOf(place: HTMLElement): ITheme {
  const probe = document.createElement('span');
  place.append(probe);
  const read = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const ansi = Object.fromEntries(
    NAMES.flatMap((name) => [
      [name, read(`--ansi-${name}`)],
      [`bright${name[0]?.toUpperCase()}${name.slice(1)}`, read(`--ansi-${name}`)],
    ]),
  );
  const theme: ITheme = {
    ...ansi,
    background: read('--bg'),
    foreground: read('--text'),
    cursor: read('--accent-text'),
    cursorAccent: read('--bg'),
    selectionBackground: read('--bg-selected'),
    brightBlack: read('--text-muted'),
  };
  probe.remove();
  return theme;
}
