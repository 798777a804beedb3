import type { IBuffer, Terminal } from '@xterm/xterm';

interface Place {
  row: number;
  col: number;
}

interface Found {
  start: Place;
  end: Place;
}

interface How {
  back?: boolean;
  /** It may be found again where it was: it has got longer. */
  growing?: boolean;
}

/**
 * Selects the next text like the wanted one in what the terminal holds, from its selection on and
 * around the end.
 *
 * @returns Whether there is one.
 */
export function find(terminal: Terminal, wanted: string, how: How): boolean {
  const { active } = terminal.buffer;
  const selected = terminal.getSelectionPosition()?.start;
  const found = locate(active, wanted, selected && { row: selected.y, col: selected.x }, how);
  if (!found) {
    terminal.clearSelection();
    return false;
  }
  const { start, end } = found;
  const isShown = start.row >= active.viewportY && start.row < active.viewportY + terminal.rows;
  // First: a selection that is made out of sight is not drawn when it comes into sight.
  if (!isShown) terminal.scrollToLine(Math.max(0, start.row - Math.floor(terminal.rows / 2)));
  terminal.select(start.col, start.row, (end.row - start.row) * terminal.cols + end.col - start.col);
  return true;
}

/** Finds the next text like the wanted one after a place, or before it, and around the end. */
export function locate(buffer: IBuffer, wanted: string, from: Place | undefined, how: How): Found | undefined {
  const all = allOf(buffer, wanted);
  const beside = ({ start }: Found): boolean => {
    if (!from) return true;
    const distance = start.row - from.row || start.col - from.col;
    return how.back ? distance < 0 : distance > 0 || (how.growing === true && distance === 0);
  };
  return how.back ? (all.findLast(beside) ?? all.at(-1)) : (all.find(beside) ?? all[0]);
}

function allOf(buffer: IBuffer, wanted: string): Found[] {
  if (wanted === '') return [];
  const pattern = new RegExp(wanted.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'), 'gi');
  const all: Found[] = [];
  for (let row = 0; row < buffer.length; row++) {
    const first = row;
    let text = buffer.getLine(row)?.translateToString() ?? '';
    // What did not fit into a row goes on in the next one.
    while (buffer.getLine(row + 1)?.isWrapped) text += buffer.getLine(++row)?.translateToString() ?? '';
    for (const { index } of text.matchAll(pattern)) {
      all.push({ start: placeOf(buffer, first, index), end: placeOf(buffer, first, index + wanted.length) });
    }
  }
  return all;
}

/** Where a character of a line stands: some take two columns, and some columns hold several. */
function placeOf(buffer: IBuffer, first: number, index: number): Place {
  let left = index;
  let row = first;
  for (let line = buffer.getLine(row); line; line = buffer.getLine(++row)) {
    for (let col = 0; col < line.length; col++) {
      const cell = line.getCell(col);
      if (cell?.getWidth() === 0) continue;
      if (left <= 0) return { row, col };
      left -= cell?.getChars().length || 1;
    }
  }
  return { row, col: 0 };
}
