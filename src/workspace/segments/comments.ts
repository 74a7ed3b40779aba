import type { Language } from '../types';
import type { LineTable } from '../../base';

/** A comment found above a definition. Lines are 0-based. */
export interface Doc {
  line: number;
  text: string;
}

const MAX_DOC_CHARACTERS = 1_000;
const MAX_DOC_LINES = 2_000;

const SLASHES = /^\s*\/\/[/!]?/;
const HASH = /^\s*#(?!\[|!\[)/;
const DASHES = /^\s*--/;
const SEMICOLONS = /^\s*;+/;
const PERCENT = /^\s*%+/;

/** What begins a line comment, by language; block comments are looked for in those that have them. */
function lineComment(language: Language): RegExp | undefined {
  switch (language) {
    case 'python':
    case 'ruby':
    case 'shellscript':
    case 'yaml':
    case 'toml':
    case 'perl':
    case 'r':
    case 'makefile':
    case 'dockerfile':
    case 'elixir':
    case 'coffeescript':
    case 'julia':
    case 'powershell':
    case 'nix':
    case 'cmake':
    case 'starlark':
    case 'graphql':
    case 'properties':
    case 'gdscript':
      return HASH;
    case 'sql':
    case 'lua':
    case 'haskell':
    case 'elm':
    case 'ada':
    case 'vhdl':
      return DASHES;
    case 'clojure':
    case 'lisp':
    case 'scheme':
    case 'ini':
      return SEMICOLONS;
    case 'erlang':
    case 'latex':
    case 'matlab':
    case 'prolog':
      return PERCENT;
    case 'css':
    case 'html':
    case 'xml':
    case 'json':
      return undefined;
    case 'php':
      return /^\s*(?:\/\/|#(?!\[))/;
    default:
      return SLASHES;
  }
}

/** Lines that may stand between a comment and what it is about. */
const DECORATION = /^\s*(?:@[\w.]|#!?\[|\[[A-Za-z]|template\s*<|export\s*$)/;

/** The comment directly above 0-based `line`, decorators and attributes between them passed over. */
export function commentAbove(lines: LineTable, line: number, language: Language): Doc | undefined {
  let last = line - 1;
  while (last >= 0 && DECORATION.test(lines.line(last, 200)) && !isComment(lines, last, language)) last--;
  if (last < 0) return undefined;
  const lineMark = lineComment(language);
  let first = last;
  if (lineMark?.test(lines.line(last, 400))) {
    while (first > 0 && last - first < MAX_DOC_LINES && lineMark.test(lines.line(first - 1, 400))) first--;
    if (first === 0 && lines.line(0, 2) === '#!') first++;
    if (first > last) return undefined;
  } else {
    const closing = lines.line(last, 400).trimEnd();
    const opener = closing.endsWith('*/')
      ? '/*'
      : closing.endsWith('-->')
        ? '<!--'
        : closing.endsWith('#>')
          ? '<#'
          : closing === '=end'
            ? '=begin'
            : undefined;
    if (!opener || (opener === '/*' && /^\s*[^\s/*].*\/\*/.test(closing))) return undefined;
    while (first > 0 && last - first < MAX_DOC_LINES && !lines.line(first, 400).includes(opener)) first--;
    if (!lines.line(first, 400).trimStart().startsWith(opener)) return undefined;
  }
  const text = plainComment(lines, first, last);
  return text === '' ? undefined : { line: first, text };
}

function isComment(lines: LineTable, line: number, language: Language): boolean {
  return lineComment(language)?.test(lines.line(line, 400)) ?? false;
}

/** `#:` is how Sphinx marks the comment of an attribute. */
const OPENING = /^\s*(?:\/\*[*!]*|\/\/[/!]?|#:(?=\s|$)|#+(?!\[)|--+|;+|%+|<!--|<#|=begin\b|\*(?!\/))[ \t]?/;
const CLOSING = /\s*(?:\*+\/|-->|#>)\s*$|^=end\b.*/;
/** Rulers and licence furniture say nothing. */
const RULER = /^[\s*#=\-_~/+]*$/;

/** The words of comment lines [first, last], their marks removed. */
function plainComment(lines: LineTable, first: number, last: number): string {
  const words: string[] = [];
  let length = 0;
  for (let line = first; line <= last && length < MAX_DOC_CHARACTERS; line++) {
    const text = lines.line(line, 500).replace(CLOSING, '').replace(OPENING, '').trimEnd();
    const kept = RULER.test(text) ? '' : text;
    if (kept === '' && (words.length === 0 || words.at(-1) === '')) continue;
    words.push(kept);
    length += kept.length + 1;
  }
  return withoutTags(words.join('\n')).trim().slice(0, MAX_DOC_CHARACTERS);
}

/** C#'s documentation comments are XML; what the tags refer to is kept. */
function withoutTags(text: string): string {
  if (!text.includes('<summary>') && !text.includes('<inheritdoc')) return text;
  return text
    .replace(/<(?:see|seealso|paramref|typeparamref)\s+(?:cref|name|langword)="([^"]*)"\s*\/>/g, '$1')
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .replace(/\n\s*\n+/g, '\n');
}

/** A Python docstring's words: quotes and common indentation removed. */
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
