/**
 * From ranked spans to passages: within each span the definition (or section) that answers best. A span is what the
 * retriever found; a passage is what a reader is shown.
 */
import type { Document, DocumentSymbol, SegmentedDocument } from '../library/types';
import type { RankedSpan } from '../protocol';
import { throwIfCancelled } from './errors';
import { labelOf } from './facts';
import type { AssistantLibrary } from './library';
import { splitLines, textOfLines } from './lines';
import type { Question } from './question';
import { TermWeights } from './relevance';

export interface Passage {
  span: RankedSpan;
  document: Document;
  segmented: SegmentedDocument;
  lines: readonly string[];
  /** The definition or heading the passage is about; absent where the file has none. */
  symbol?: DocumentSymbol;
  /** Doc comment included. */
  startLine: number;
  endLine: number;
  label: string;
  kind: 'code' | 'prose' | 'data';
  /** Share (0…1) of the question's words that it holds. */
  coverage: number;
  score: number;
}

interface OpenFile {
  document: Document;
  segmented: SegmentedDocument;
  lines: string[];
}

/** Reads and segments each file once. A file that has gone since it was indexed is left out, not fatal. */
export class FileShelf {
  private readonly files = new Map<string, Promise<OpenFile | undefined>>();

  constructor(private readonly library: Pick<AssistantLibrary, 'read' | 'segmentsOf'>) {}

  open(file: string): Promise<OpenFile | undefined> {
    let opening = this.files.get(file);
    if (!opening) {
      opening = this.load(file).catch(() => undefined);
      this.files.set(file, opening);
    }
    return opening;
  }

  private async load(file: string): Promise<OpenFile> {
    const document = await this.library.read(file);
    return { document, segmented: await this.library.segmentsOf(document), lines: splitLines(document.text) };
  }
}

/** Spans looked into; the tail of a ranking seldom holds the answer and each costs a read. */
const SPANS_READ = 16;
const PASSAGES_PER_FILE = 3;

/** Best first; at most `limit`. */
export async function selectPassages(
  question: Question,
  spans: readonly RankedSpan[],
  shelf: FileShelf,
  limit: number,
  signal?: AbortSignal,
): Promise<{ passages: Passage[]; weights: TermWeights }> {
  const weights = new TermWeights(question, spans.map((span) => `${span.path}\n${span.breadcrumb.join(' ')}\n${span.text}`));
  const best = spans[0]?.score ?? 1;
  const found: Passage[] = [];
  for (const [rank, span] of spans.slice(0, SPANS_READ).entries()) {
    throwIfCancelled(signal);
    const file = await shelf.open(span.file);
    if (!file) continue;
    // The retriever has seen the whole workspace, this step only a span: its order counts for most.
    const prior = (best > 0 ? span.score / best : 1) / (1 + 0.15 * rank);
    found.push(...passagesOf(question, span, file, weights, prior));
  }
  found.sort((a, b) => b.score - a.score);
  return { passages: dedupe(found, limit), weights };
}

function passagesOf(question: Question, span: RankedSpan, file: OpenFile, weights: TermWeights, prior: number): Passage[] {
  const { document, segmented, lines } = file;
  const last = Math.min(span.endLine, lines.length);
  const inSpan = segmented.symbols.filter((symbol) => symbol.startLine <= last && symbol.endLine >= span.startLine);
  const kindOf = (line: number) => segmented.segments.find((each) => each.startLine <= line && line <= each.endLine)?.kind ?? 'code';
  const make = (symbol: DocumentSymbol | undefined, startLine: number, endLine: number): Passage => {
    const text = textOfLines(lines, startLine, endLine);
    const label = symbol ? labelOf(symbol) : span.breadcrumb.join('.') || document.path;
    const covered = weights.covered(`${document.path} ${label} ${text}`);
    const named = symbol ? nameMatch(question, symbol, weights) : 0;
    return {
      span, document, segmented, lines, symbol, startLine, endLine, label,
      kind: kindOf(symbol?.startLine ?? startLine),
      coverage: covered,
      score: prior * (0.35 + covered + 0.5 * named) * density(endLine - startLine + 1),
    };
  };
  if (inSpan.length === 0) return span.startLine <= last ? [make(undefined, span.startLine, last)] : [];
  const passages = inSpan.map((symbol) => {
    const { start, end } = ownLines(symbol, segmented.symbols);
    return make(symbol, start, Math.min(end, lines.length));
  });
  passages.sort((a, b) => b.score - a.score);
  return passages.slice(0, 2);
}

/**
 * The lines a definition holds itself: a class counts up to its first member that is not a field, so that it does not
 * win over its own methods by sheer size; a heading counts up to the next heading.
 */
function ownLines(symbol: DocumentSymbol, symbols: readonly DocumentSymbol[]): { start: number; end: number } {
  const start = Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
  const depth = symbol.container.length;
  let end = symbol.endLine;
  for (const other of symbols) {
    if (other.startLine <= symbol.startLine || other.startLine > symbol.endLine || other.container.length <= depth) continue;
    if (symbol.kind === 'heading' || !['field', 'key', 'constant', 'variable'].includes(other.kind)) {
      if (symbol.kind === 'function' || symbol.kind === 'method') continue;
      end = Math.min(end, Math.min(other.docLine ?? other.startLine, other.startLine) - 1);
    }
  }
  return { start, end: Math.max(end, symbol.startLine) };
}

/** How much of the question the symbol's name says, its owner's included; more when the question writes the name itself. */
function nameMatch(question: Question, symbol: DocumentSymbol, weights: TermWeights): number {
  const label = [...symbol.container.slice(-1), symbol.name].join(' ');
  return 1.5 * weights.covered(label) + (question.names.includes(symbol.name) ? 0.3 : 0);
}

/** Long passages match by chance: 1 up to 30 lines, falling slowly. */
function density(lines: number): number {
  return lines <= 30 ? 1 : 1 / (1 + 0.15 * Math.log2(lines / 30));
}

function dedupe(passages: readonly Passage[], limit: number): Passage[] {
  const kept: Passage[] = [];
  const perFile = new Map<string, number>();
  for (const passage of passages) {
    if (kept.length === limit) break;
    const count = perFile.get(passage.document.file) ?? 0;
    const overlaps = kept.some((other) => other.document.file === passage.document.file && other.startLine <= passage.endLine && passage.startLine <= other.endLine);
    if (count >= PASSAGES_PER_FILE || overlaps) continue;
    perFile.set(passage.document.file, count + 1);
    kept.push(passage);
  }
  return kept;
}
