import { type CommentSyntax, entryOf, SLASHES } from '../languages';
import type { Language } from '../types';
import type { LineTable } from '../../base';

/** A comment found above a definition. Lines are 0-based. */
export interface Doc {
  line: number;
  text: string;
}

type Block = CommentSyntax['blocks'][number];

const MAX_DOC_CHARACTERS = 1_000;
const MAX_DOC_LINES = 2_000;

const syntaxOf = (language: Language) => entryOf(language).comments ?? SLASHES;

/** Lines that may stand between a comment and its definition. */
const DECORATION = /^\s*(?:@[\w.]|#!?\[|\[[A-Za-z]|template\s*<|export\s*$)/;

/** Returns the comment directly above 0-based `line`. Decorators and attributes between them are skipped. */
export function commentAbove(lines: LineTable, line: number, language: Language): Doc | undefined {
  const syntax = syntaxOf(language);
  const isComment = (text: string): boolean =>
    (syntax.line?.test(text) ?? false) || syntax.blocks.some(([open]) => text.trimStart().startsWith(open));
  let last = line - 1;
  while (last >= 0 && DECORATION.test(lines.line(last, 200)) && !isComment(lines.line(last, 400))) last--;
  return last < 0 ? undefined : commentEndingAt(lines, last, syntax);
}

export function isCommentLine(lines: LineTable, line: number, language: Language): boolean {
  return syntaxOf(language).line?.test(lines.line(line, 400)) ?? false;
}

const MOST_LINES_TO_BODY = 4;

/**
 * Returns the comment at the top of a definition's body, in languages that document there.
 * @param line first line of the definition; 0-based, as `endLine`
 */
export function commentBelow(lines: LineTable, line: number, endLine: number, language: Language): Doc | undefined {
  const syntax = syntaxOf(language);
  if (!syntax.below) return undefined;
  let first = line + 1;
  while (first < endLine && first - line < MOST_LINES_TO_BODY && lines.isBlank(first)) first++;
  if (first > endLine) return undefined;
  const head = lines.line(first, 400);
  let last = first;
  if (syntax.line?.test(head)) while (last < endLine && syntax.line.test(lines.line(last + 1, 400))) last++;
  else {
    const block = syntax.blocks.find(([open]) => head.trimStart().startsWith(open));
    if (!block) return undefined;
    const opened = head.indexOf(block[0]) + block[0].length;
    if (!head.slice(opened).includes(block[1]))
      do last++;
      while (last < endLine && !lines.line(last, 400).includes(block[1]));
  }
  const found = commentEndingAt(lines, last, syntax);
  return found?.line === first ? found : undefined;
}

function commentEndingAt(lines: LineTable, last: number, syntax: CommentSyntax): Doc | undefined {
  const { line: mark, blocks, docMark } = syntax;
  const text = lines.line(last, 400).trim();
  // The end of a block may look like a comment line (`#>` of PowerShell).
  const endsBlock = blocks.some(([open, close]) => text === close && open !== close);
  const isLineComment = !endsBlock && (mark?.test(lines.line(last, 400)) ?? false);
  let block: Block | undefined;
  let first = mark && isLineComment ? firstCommentLine(lines, last, mark) : undefined;
  // Several blocks may end alike, as the heredocs of Elixir do.
  if (!isLineComment)
    for (const each of blocks) {
      if (first !== undefined || !lines.line(last, 400).trimEnd().endsWith(each[1])) continue;
      first = firstBlockLine(lines, last, each);
      block = each;
    }
  if (first === undefined) return undefined;
  const words = plainComment(lines, first, last, { mark, block, docMark });
  return words === '' ? undefined : { line: first, text: words };
}

function firstCommentLine(lines: LineTable, last: number, mark: RegExp): number | undefined {
  let first = last;
  while (first > 0 && last - first < MAX_DOC_LINES && mark.test(lines.line(first - 1, 400))) first--;
  if (first === 0 && lines.line(0, 2) === '#!') first++;
  return first > last ? undefined : first;
}

/**
 * Returns the first line of the block comment that ends on line `last`. Undefined when code precedes it on its line.
 */
function firstBlockLine(lines: LineTable, last: number, [open, close]: Block): number | undefined {
  // A block whose marks are alike begins above a line with its mark alone.
  let first = open === close && last > 0 && lines.line(last, 400).trim() === close ? last - 1 : last;
  while (first > 0 && last - first < MAX_DOC_LINES && !lines.line(first, 400).includes(open)) {
    first--;
    // Another block ends here, so what ends on `last` did not begin above it.
    if (open !== close && lines.line(first, 400).trimEnd().endsWith(close)) break;
  }
  return lines.line(first, 400).trimStart().startsWith(open) ? first : undefined;
}

/** Sphinx marks the comment of an attribute with `#:`. */
const OPENING = /^\s*(?:\/\*[*!]*|\/\/[/!]?|#:(?=\s|$)|#+(?!\[)|--+|;+|%+|<!--|<#|=begin\b|\*(?!\/))[ \t]?/;
const CLOSING = /\s*(?:\*+\/|-->|#>)\s*$|^=end\b.*/;
/** Rulers and decoration of licences have no words. */
const RULER = /^[\s*#=\-_~/+]*$/;

/** Returns the words of comment lines [first, last] without their marks. */
function plainComment(
  lines: LineTable,
  first: number,
  last: number,
  { mark, block, docMark }: { mark: RegExp | undefined; block: Block | undefined; docMark: RegExp | undefined },
): string {
  const words: string[] = [];
  let length = 0;
  for (let line = first; line <= last && length < MAX_DOC_CHARACTERS; line++) {
    let text = lines.line(line, 500).replace(CLOSING, '');
    if (block && line === last) text = withoutEnd(text.trimEnd(), block[1]);
    if (OPENING.test(text)) text = text.replace(OPENING, '');
    else if (block && line === first) text = text.trimStart().replace(block[0], '').trimStart();
    else if (mark && !block) text = text.replace(mark, '').replace(/^[ \t]/, '');
    if (docMark) text = text.replace(docMark, '').replace(/^[ \t]/, '');
    text = text.trimEnd();
    const kept = RULER.test(text) ? '' : text;
    if (kept === '' && (words.length === 0 || words.at(-1) === '')) continue;
    words.push(kept);
    length += kept.length + 1;
  }
  return withoutTags(words.join('\n')).trim().slice(0, MAX_DOC_CHARACTERS);
}

const withoutEnd = (text: string, end: string): string => (text.endsWith(end) ? text.slice(0, -end.length) : text);

/** Removes the XML tags of C#'s documentation comments. References in the tags are kept. */
function withoutTags(text: string): string {
  if (!text.includes('<summary>') && !text.includes('<inheritdoc')) return text;
  return text
    .replace(/<(?:see|seealso|paramref|typeparamref)\s+(?:cref|name|langword)="([^"]*)"\s*\/>/g, '$1')
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .replace(/\n\s*\n+/g, '\n');
}

/** Returns the words of a Python docstring without quotes and common indentation. */
export function plainDocstring(literal: string): string {
  const body = literal.replace(/^[rRuUbBfF]{0,2}("""|'''|"|')/, '').replace(/("""|'''|"|')$/, '');
  const rows = body.slice(0, MAX_DOC_CHARACTERS * 2).split(/\r\n|\r|\n/);
  const indents = rows
    .slice(1)
    .filter((row) => /\S/.test(row))
    .map((row) => /^\s*/.exec(row)?.[0].length ?? 0);
  const common = indents.length > 0 ? Math.min(...indents) : 0;
  return rows
    .map((row, i) => (i === 0 ? row.trim() : row.slice(common).trimEnd()))
    .join('\n')
    .trim()
    .slice(0, MAX_DOC_CHARACTERS);
}

const TRIPLE_QUOTES: readonly Block[] = [
  ['"""', '"""'],
  ["'''", "'''"],
];

/**
 * For each line from `first` to `last` (1-based, inclusive): whether it begins with a comment or is within one. Strings
 * that document a body count as comments.
 */
export function commentLines(lines: readonly string[], first: number, last: number, language: Language): boolean[] {
  const { line: mark, blocks } = syntaxOf(language);
  const all = entryOf(language).documentation === 'docstring' ? [...blocks, ...TRIPLE_QUOTES] : blocks;
  const found: boolean[] = [];
  let closing: string | undefined;
  for (let line = first; line <= last; line++) {
    const text = (lines[line - 1] ?? '').trim();
    if (closing !== undefined) {
      found.push(true);
      if (text.includes(closing)) closing = undefined;
      continue;
    }
    const block = all.find(([open]) => text.startsWith(open));
    if (block && !text.slice(block[0].length).includes(block[1])) closing = block[1];
    found.push(block !== undefined || (mark?.test(text) ?? false));
  }
  return found;
}
