/** Readable parts of a marked-up document, in reading order. HTML, EPUB and DOCX become blocks, and blocks text. */

/** Text, and the 1-based line of the source that it begins on. */
export interface Piece {
  text: string;
  line: number;
}

export interface Block {
  kind: 'heading' | 'paragraph' | 'item' | 'row' | 'code';
  /** Headings: 1…6. Items: depth of the list, from 1. */
  level: number;
  /** Runs of text; white space is collapsed when they are written, except in code. Cells of a row: one piece each. */
  pieces: Piece[];
  /** Items: `-` or `3.`. Code: the language behind the fence. Rows: `head` for a row of column titles. */
  mark: string;
  /** Lies in the document's main element. */
  main: boolean;
}

/** Longer lines of prose are wrapped at spaces, so that a citation can be shorter than a paragraph. */
const WRAP = 120;
const MAX_TITLE = 300;

/** Text as Markdown, with the source line of each of its lines. */
export interface BlockText {
  text: string;
  /** Source line of each text line. */
  lines: number[];
}

/** Writes blocks as Markdown: ATX headings, lists, tables by row, fenced code, wrapped paragraphs. */
export function textOfBlocks(blocks: readonly Block[], headingShift = 0): BlockText {
  const out: Piece[] = [];
  let before: Block | undefined;
  for (const block of blocks) {
    const lines = linesOf(block, headingShift);
    if (lines.length === 0) continue;
    const first = lines[0] as Piece;
    if (before !== undefined && !continues(block, before)) out.push({ text: '', line: first.line });
    out.push(...lines);
    before = block;
  }
  return { text: out.map(({ text }) => `${text}\n`).join(''), lines: out.map(({ line }) => line) };
}

/** Items of a list and rows of a table follow one another without an empty line. */
function continues(block: Block, before: Block): boolean {
  if (block.kind !== before.kind) return false;
  // A row of titles begins a table of its own, numbers after dashes a list of its own.
  if (block.kind === 'row') return block.mark !== 'head';
  const sameMarks = (block.mark === '-') === (before.mark === '-');
  return block.kind === 'item' && (sameMarks || block.level > 1 || before.level > 1);
}

function linesOf(block: Block, headingShift: number): Piece[] {
  if (block.kind === 'code') return codeLines(block);
  if (block.kind === 'row') return rowLines(block);
  if (block.kind === 'heading') {
    const title = joined(block.pieces).slice(0, MAX_TITLE);
    const level = Math.min(6, Math.max(1, block.level + headingShift));
    return title === '' ? [] : [{ text: `${'#'.repeat(level)} ${title}`, line: block.pieces[0]?.line ?? 1 }];
  }
  const indent = block.kind === 'item' ? '  '.repeat(Math.min(8, block.level - 1)) : '';
  const prefix = block.kind === 'item' ? `${indent}${block.mark} ` : '';
  return wrap(block.pieces, prefix, ' '.repeat(prefix.length));
}

function codeLines({ pieces, mark }: Block): Piece[] {
  const lines: Piece[] = [];
  let open: Piece | undefined;
  for (const { text, line } of pieces) {
    let at = line;
    for (const part of text.split(/(\n|\u000B)/)) {
      if (part === '\n' || part === LINE_BREAK) {
        // A line break by a tag or an entity is none of the source.
        if (part === '\n') at++;
        lines.push((open = { text: '', line: at }));
      } else if (!open) lines.push((open = { text: part, line: at }));
      else if (open.text === '') Object.assign(open, { text: part, line: at });
      else open.text += part;
    }
  }
  while (lines.length > 0 && lines[0]?.text.trim() === '') lines.shift();
  while (lines.length > 0 && lines.at(-1)?.text.trim() === '') lines.pop();
  if (lines.length === 0) return [];
  let longest = 2;
  for (const { text } of lines) for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const fence = '`'.repeat(longest + 1);
  return [
    { text: fence + mark, line: (lines[0] as Piece).line },
    ...lines.map(({ text, line }) => ({ text: text.trimEnd(), line })),
    { text: fence, line: (lines.at(-1) as Piece).line },
  ];
}

function rowLines({ pieces, mark }: Block): Piece[] {
  const cells = pieces.map(({ text }) => collapsed(text).trim());
  if (cells.every((cell) => cell === '')) return [];
  const line = pieces[0]?.line ?? 1;
  const row = { text: `| ${cells.join(' | ')} |`, line };
  return mark === 'head' ? [row, { text: `|${' --- |'.repeat(cells.length)}`, line }] : [row];
}

/** Words of the pieces on lines of at most WRAP characters; a newline within a piece begins a line. */
function wrap(pieces: readonly Piece[], prefix: string, hang: string): Piece[] {
  const lines: Piece[] = [];
  let text = '';
  let line = pieces[0]?.line ?? 1;
  let glued = true;
  const flush = (): void => {
    if (text !== '') lines.push({ text: (lines.length === 0 ? prefix : hang) + text, line });
    text = '';
  };
  for (const piece of pieces) {
    let at = piece.line;
    for (const part of piece.text.split(/([^\S\n]+|\n|\u000B)/)) {
      if (part === '') continue;
      if (part === '\u000B') flush();
      else if (part === '\n') {
        at++;
        glued = false;
      } else if (/^\s/.test(part)) glued = false;
      else {
        const room = text.length + part.length + 1 <= WRAP - hang.length;
        if (text === '') line = at;
        if (text !== '' && !glued && !room) {
          flush();
          line = at;
        }
        text += text === '' || glued ? part : ` ${part}`;
        glued = true;
      }
    }
  }
  flush();
  return lines;
}

/** The characters of a forced line break (`<br>`) within a piece. */
export const LINE_BREAK = '\u000B';

const collapsed = (text: string): string => text.replace(/\s+/g, ' ');

/** The text of pieces on one line. */
export function joined(pieces: readonly Piece[]): string {
  return collapsed(pieces.map(({ text }) => text).join('')).trim();
}
