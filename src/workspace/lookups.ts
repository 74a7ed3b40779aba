import type { Span } from '../protocol';
import type { WorkspaceFolders } from './sources/folders';
import type { LexicalIndex } from './lexical/lexical-index';
import { definitionTerm, tokenTerms, wholeTerm } from './lexical/terms';
import { LineTable } from '../base';
import type { DocumentCache } from './document-cache';
import type { DocumentSymbol, Language, SegmentedDocument } from './types';

/** A definition of a name, and its place. */
export interface Definition {
  /** Absolute path. */
  file: string;
  path: string;
  language: Language;
  symbol: DocumentSymbol;
}

/** A line that uses a name without defining it. */
export interface Use {
  span: Span;
  /** Name of the definition or heading that contains the line; the path where there is none. */
  label: string;
}

/** Names are compared composed: an editor writes ö as one letter, a file system may have it as two. */
const sameName = (a: string, b: string): boolean => a === b || a.normalize('NFC') === b.normalize('NFC');

const MAX_DEFINITION_DOCUMENTS = 64;
const MAX_USER_DOCUMENTS = 48;
const MAX_OCCURRENCES = 2_000;

export interface LookupContext {
  lexical: LexicalIndex;
  documentCache: DocumentCache;
  folders: WorkspaceFolders;
}

/**
 * Finds definitions of exactly this name. Definitions with a body come before mere declarations, and exported ones
 * first.
 */
export async function definitionsOf(
  name: string,
  { lexical, documentCache, folders }: LookupContext,
): Promise<Definition[]> {
  const found = lexical.occurrences(definitionTerm(name), MAX_OCCURRENCES).filter(({ defines }) => defines);
  const paths = [...new Set(found.map(({ path }) => path))].slice(0, MAX_DEFINITION_DOCUMENTS);
  const definitions: Definition[] = [];
  for (const path of paths) {
    const read = await documentCache.read(path);
    const file = folders.fileOf(path);
    if (!read || file === undefined) continue;
    for (const symbol of read.segmented.symbols)
      if (sameName(symbol.name, name)) definitions.push({ file, path, language: read.document.language, symbol });
  }
  const order = ({ symbol }: Definition): number => (symbol.declaration ? 2 : 0) + (symbol.exported ? 0 : 1);
  return definitions.sort((a, b) => order(a) - order(b) || a.path.localeCompare(b.path));
}

/**
 * Finds at most `limit` lines that use a name. `more` counts the others, as a lower bound where there are very many.
 */
export async function usersOf(
  name: string,
  limit: number,
  { lexical, documentCache, folders }: LookupContext,
  signal?: AbortSignal,
): Promise<{ users: Use[]; more: number }> {
  const term = termOf(name);
  if (term === undefined) return { users: [], more: 0 };
  const byPath = new Map<string, { frequency: number; lines: { startLine: number; endLine: number }[] }>();
  for (const { path, segment, frequency } of lexical.occurrences(term, MAX_OCCURRENCES)) {
    const known = byPath.get(path) ?? { frequency: 0, lines: [] };
    known.frequency += frequency;
    known.lines.push(segment);
    byPath.set(path, known);
  }
  const users: Use[] = [];
  let more = 0;
  let documents = 0;
  for (const [path, { frequency, lines }] of byPath) {
    signal?.throwIfAborted();
    // A name of one common word occurs in much prose, so its files are counted only while they are read.
    if (documents >= MAX_USER_DOCUMENTS) {
      if (term === wholeTerm(name.replace(/[!?=]$/, ''))) more += frequency;
      continue;
    }
    const read = await documentCache.read(path);
    const file = folders.fileOf(path);
    if (!read || file === undefined) continue;
    documents++;
    for (const line of usingLines(read.document.text, name, lines, read.segmented)) {
      if (users.length < limit)
        users.push({
          span: { file, path, startLine: line, endLine: line },
          label: labelOf(read.segmented, line, path),
        });
      else more++;
    }
  }
  return { users, more };
}

/** Returns the rarest index term of an identifier. Undefined when it has stop words only. */
function termOf(written: string): string | undefined {
  // Ruby's `save!` and `empty?` are indexed without their marks.
  const name = written.replace(/[!?=]$/, '');
  const terms = tokenTerms(name);
  const whole = wholeTerm(name);
  return terms.includes(whole) ? whole : terms[0];
}

/** Returns 1-based lines within the given segments that contain the name as a word and do not define it. */
function usingLines(
  text: string,
  name: string,
  ranges: readonly { startLine: number; endLine: number }[],
  segmented: SegmentedDocument,
): number[] {
  const lines = new LineTable(text);
  const forms = [...new Set([name, name.normalize('NFC'), name.normalize('NFD')])]
    .map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|');
  const word = new RegExp(`(?<![\\p{L}\\p{M}\\p{N}_$])(?:${forms})(?![\\p{L}\\p{M}\\p{N}_$])`, 'u');
  const defining = new Set(
    segmented.symbols.filter((symbol) => sameName(symbol.name, name)).map((symbol) => symbol.startLine),
  );
  const found: number[] = [];
  for (const { startLine, endLine } of ranges) {
    for (let line = startLine; line <= Math.min(endLine, lines.count); line++) {
      if (!defining.has(line) && word.test(lines.line(line - 1, 2_000))) found.push(line);
    }
  }
  return found;
}

/** Returns the name of the innermost definition or heading that contains a line. */
function labelOf(segmented: SegmentedDocument, line: number, path: string): string {
  let innermost: DocumentSymbol | undefined;
  for (const symbol of segmented.symbols) {
    if (symbol.startLine > line) break;
    if (symbol.endLine >= line && symbol.kind !== 'field' && symbol.kind !== 'constant' && symbol.kind !== 'variable')
      innermost = symbol;
  }
  return innermost ? [...innermost.container, innermost.name].join(innermost.kind === 'heading' ? ' › ' : '.') : path;
}
