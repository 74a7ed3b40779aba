import { entryOf } from '../languages';
import type { Document, DocumentSymbol, Language, SegmentedDocument } from '../types';
import { LineTable } from '../../base';

/** A documented function for training data: words and code separately. */
export interface DocumentedFunction {
  name: string;
  /** The doc comment's text. */
  doc: string;
  /** Head and body without the doc comment. */
  code: string;
  startLine: number;
  endLine: number;
  /** Names called in the body, each once, in order. */
  calls: readonly string[];
}

/** Words before a parenthesis that are not calls. */
const NOT_CALLS = new Set(
  (
    'if for while switch catch return function sizeof typeof instanceof new await yield throw assert elif ' +
    'else do except with in not and or is print lambda def fn func fun match when ' +
    ('until unless case super using lock foreach nameof alignof decltype defined static_assert async import ' +
      'require select go defer chan map make struct interface type')
  ).split(' '),
);

/**
 * Returns the functions and methods of a document that have a doc comment. A docstring is removed from the code,
 * because it is inside the body and would give the words away.
 */
export function extractFunctions(
  document: Pick<Document, 'text' | 'language'>,
  segmented: SegmentedDocument,
): DocumentedFunction[] {
  const lines = new LineTable(document.text);
  return segmented.symbols.flatMap((symbol) => {
    if (
      (symbol.kind !== 'function' && symbol.kind !== 'method') ||
      symbol.doc === undefined ||
      symbol.declaration ||
      symbol.endLine <= symbol.startLine
    )
      return [];
    const code = codeOf(lines, symbol);
    return [
      {
        name: symbol.name,
        doc: symbol.doc,
        code,
        startLine: symbol.startLine,
        endLine: symbol.endLine,
        calls: callsIn(code, symbol.name, hasHashComments(document.language)),
      },
    ];
  });
}

function codeOf(lines: LineTable, { startLine, endLine, docLine }: DocumentSymbol): string {
  const slice = (first: number, last: number): string => lines.text.slice(lines.start(first - 1), lines.start(last));
  if (docLine === undefined || docLine < startLine) return slice(startLine, endLine);
  const after = docstringEnd(lines, docLine, endLine);
  return slice(startLine, docLine - 1) + slice(after + 1, endLine);
}

/** Returns the last line of the docstring that begins on `docLine`. */
function docstringEnd(lines: LineTable, docLine: number, endLine: number): number {
  const start = lines.start(docLine - 1);
  const open = /"""|'''|"|'/.exec(lines.line(docLine - 1, 500));
  if (!open) return docLine;
  const close = lines.text.indexOf(open[0], start + open.index + open[0].length);
  return close < 0 ? docLine : Math.min(endLine, lines.lineAt(close) + 1);
}

const hasHashComments = (language: Language): boolean => entryOf(language).comments?.line?.test('# ') ?? false;

/** Returns identifiers followed by `(`. A simple scan skips strings and comments. */
function callsIn(code: string, own: string, hashComments: boolean): string[] {
  const bare = code
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/gm, ' ')
    .replace(hashComments ? /(?:^|\s)#[^\n]*/g : /$^/g, ' ');
  const calls = new Set<string>();
  let head = true;
  for (const match of bare.matchAll(/([\p{L}_$][\p{L}\p{N}_$]*[!?]?)\s*(?:::\s*<[^>()]*>\s*)?\(/gu)) {
    const name = match[1] ?? '';
    // The first occurrence of the function's own name is its head.
    if (head && name === own) {
      head = false;
      continue;
    }
    if (!NOT_CALLS.has(name)) calls.add(name.replace(/[!?]$/, ''));
  }
  return [...calls];
}
