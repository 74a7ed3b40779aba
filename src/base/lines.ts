/** The lines of a text without their line ends. A line break at the end of the text does not begin another line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length > 1 && lines[lines.length - 1] === '') lines.pop();
  return lines;
}

/** Lines `start`…`end` (1-based, inclusive), joined by `\n`. */
export function textOfLines(lines: readonly string[], start: number, end: number): string {
  return lines.slice(start - 1, end).join('\n');
}

/** Width of the leading white space in columns. A tab counts as four. */
export function indentOf(line: string): number {
  let width = 0;
  for (const character of line) {
    if (character === ' ') width += 1;
    else if (character === '\t') width += 4;
    else break;
  }
  return width;
}

export function isBlank(line: string): boolean {
  return line.trim() === '';
}

/**
 * Maps lines of a text to character offsets and back. Lines end at `\n`, `\r\n` or a lone `\r`, as in VS Code, so that
 * a line number opens the same line in the editor. A line end at the end of the text does not begin another line.
 */
export class LineTable {
  /** Start offsets of the lines, then the text's length: line `i` (0-based) is [starts[i], starts[i + 1]). */
  readonly starts: Int32Array;
  readonly count: number;

  constructor(readonly text: string) {
    this.starts = lineStarts(text);
    this.count = this.starts.length - 1;
  }

  /** Start offset of 0-based line `line`, or the text's length for a line beyond the last. */
  start(line: number): number {
    return line >= this.count ? this.text.length : (this.starts[line] ?? 0);
  }

  /** End offset of 0-based line `line`, before its line end. */
  end(line: number): number {
    const start = this.start(line);
    let end = this.start(line + 1);
    while (end > start && isLineEnd(this.text.charCodeAt(end - 1))) end--;
    return end;
  }

  /** Number of characters of lines [first, end), including line ends. */
  length(first: number, end: number): number {
    return this.start(end) - this.start(first);
  }

  /** 0-based line that contains `offset`. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Text of a 0-based line without its line end, at most `limit` characters. */
  line(line: number, limit = Infinity): string {
    const start = this.start(line);
    if (this.start(line + 1) - start > limit) return this.text.slice(start, start + limit);
    return this.text.slice(start, this.end(line));
  }

  /** Offset of the first character of a line that is not a space or tab, or -1 for a blank line. */
  firstInk(line: number): number {
    const end = this.start(line + 1);
    for (let i = this.start(line); i < end; i++) {
      const code = this.text.charCodeAt(i);
      if (code !== SPACE && code !== TAB && !isLineEnd(code) && code !== FORM_FEED) return i;
    }
    return -1;
  }

  isBlank(line: number): boolean {
    return this.firstInk(line) < 0;
  }

  /** Indentation of a line in columns, or -1 for a blank line. A tab counts as four. */
  indent(line: number): number {
    const ink = this.firstInk(line);
    if (ink < 0) return -1;
    let columns = 0;
    for (let i = this.start(line); i < ink; i++) columns += this.text.charCodeAt(i) === TAB ? 4 : 1;
    return columns;
  }
}

const TAB = 9;
const FORM_FEED = 12;
const SPACE = 32;

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}

function lineStarts(text: string): Int32Array {
  const starts: number[] = [];
  const length = text.length;
  const loneReturns = /\r(?!\n)/.test(text);
  let position = 0;
  while (position < length) {
    starts.push(position);
    const newline = text.indexOf('\n', position);
    let next = newline < 0 ? length : newline + 1;
    if (loneReturns) {
      const back = text.indexOf('\r', position);
      if (back >= 0 && back < next - 1 && text.charCodeAt(back + 1) !== 10) next = back + 1;
    }
    position = next;
  }
  const table = new Int32Array(starts.length + 1);
  table.set(starts);
  table[starts.length] = length;
  return table;
}
