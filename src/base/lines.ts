import { createHash } from 'node:crypto';

/** The lines of a text without their ends; a text that ends in a line break has no further, empty line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length > 1 && lines[lines.length - 1] === '') lines.pop();
  return lines;
}

/** Lines `start`…`end` (1-based, inclusive) joined by `\n`, whatever the line ends of the file. */
export function textOfLines(lines: readonly string[], start: number, end: number): string {
  return lines.slice(start - 1, end).join('\n');
}

/** Hex digest of a text, as citations carry it. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Width of the leading white space, a tab counted as four columns. */
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
