/**
 * From ranked spans to passages: within each span the definition (or section) that answers best. A span is what the
 * retriever found; a passage is what a reader is shown.
 */
import { pathKind } from '../../search/paths';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import type { RankedSpan } from '../../protocol';
import { splitLines, textOfLines, throwIfCancelled } from '../../base';
import { labelOf } from '../facts';
import type { AssistantLibrary } from '../library';
import type { Question } from '../question';
import { TermWeights } from '../relevance';

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
  /** How many of them. */
  words: number;
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
/**
 * How fast a span loses to the one before it, what a passage is worth without any word of the question, and what its
 * name adds.
 */
const RANK_DECAY = 0.08;
const PRIOR = 0.35;
const NAMED = 0.6;
/** How much of what counts is what a few lines say together, and how many lines are few. */
const DENSE = 0.8;
const DENSE_LINES = 12;
const TEST = 0.5;
/** A lock file holds every name there is and explains none. */
const LOCK = 0.2;
const STUB = 0.6;
const IMPORTS = 0.4;
/**
 * A field says what is kept, seldom how or why anything is done with it; nor do the form of a type and a constant of a
 * line or two.
 */
const FIELD = 0.7;
const HELD_LINES = 2;
/** A declaration says that there is something, its definition how it works. */
const DECLARED = 0.75;
/** Benchmarks, build scripts and examples use what is asked about. */
const BESIDE = 0.7;
/** What a type's members are worth beside what was found of it, and how many of them come along. */
const MEMBER = 0.8;
const MEMBERS = 2;
/** Share of the question that a member's own name and comment must say. */
const MEMBER_SAYS = 0.2;

/** Best first; at most `limit`. */
export async function selectPassages(
  question: Question,
  spans: readonly RankedSpan[],
  shelf: FileShelf,
  limit: number,
  signal?: AbortSignal,
): Promise<{ passages: Passage[]; weights: TermWeights }> {
  const weights = new TermWeights(
    question,
    spans.map((span) => `${span.path}\n${span.breadcrumb.join(' ')}\n${span.text}`),
  );
  const best = spans[0]?.score ?? 1;
  const found: Passage[] = [];
  for (const [rank, span] of spans.slice(0, SPANS_READ).entries()) {
    throwIfCancelled(signal);
    const file = await shelf.open(span.file);
    if (!file) continue;
    // The retriever has seen the whole workspace, this step only a span: its order counts for most.
    const prior = (best > 0 ? span.score / best : 1) / (1 + RANK_DECAY * rank);
    const passage = passageOf(question, span, file, weights, prior);
    if (passage) found.push(passage, ...membersOf(passage, question, weights, prior * MEMBER));
  }
  found.sort((a, b) => b.score - a.score);
  return { passages: dedupe(found, limit), weights };
}

function passageOf(
  question: Question,
  span: RankedSpan,
  { document, segmented, lines }: OpenFile,
  weights: TermWeights,
  prior: number,
): Passage | undefined {
  const last = Math.min(span.endLine, lines.length);
  if (span.startLine > last) return undefined;
  const symbol = subjectOf(question, { startLine: span.startLine, endLine: last }, segmented.symbols, lines, weights);
  // A function is shown whole; of a type or a section, what was found of it.
  const whole = symbol && (isFunction(symbol) || (firstLine(symbol) >= span.startLine && symbol.endLine <= last));
  const range = whole ? linesOf(symbol, lines) : { startLine: span.startLine, endLine: last };
  return weigh({ span, document, segmented, lines, symbol, ...range }, question, weights, prior);
}

/**
 * A passage with what it is worth: its place in the ranking, times what its lines and its name say of the question,
 * times how far its kind is trusted.
 */
function weigh(
  place: Pick<Passage, 'span' | 'document' | 'segmented' | 'lines' | 'symbol' | 'startLine' | 'endLine'>,
  question: Question,
  weights: TermWeights,
  prior: number,
): Passage {
  const { document, segmented, symbol, startLine } = place;
  const label = symbol ? labelOf(symbol) : document.path;
  const { coverage, words, densest } = coverageOf(place, label, weights);
  const named = symbol ? nameMatch(question, symbol, weights) : 0;
  const kind =
    segmented.segments.find((each) => each.startLine <= startLine && startLine <= each.endLine)?.kind ?? 'code';
  const score = prior * (PRIOR + (1 - DENSE) * coverage + DENSE * densest + NAMED * named) * trust(question, place);
  return { ...place, label, kind, coverage, words, score };
}

/**
 * What share of the question all its lines say, and what share the few lines that say most: a long function says every
 * word somewhere.
 */
function coverageOf(
  { document, lines, startLine, endLine }: Pick<Passage, 'document' | 'lines' | 'startLine' | 'endLine'>,
  label: string,
  weights: TermWeights,
): Pick<Passage, 'coverage' | 'words'> & { densest: number } {
  const head = weights.termsIn(`${document.path} ${label}`);
  const rows = lines.slice(startLine - 1, endLine).map((line) => weights.termsIn(line));
  const said = (terms: readonly (readonly [string, number])[]): number =>
    [...new Map(terms).values()].reduce((sum, weight) => sum + weight, 0) / (weights.total || 1);
  let densest = 0;
  for (let first = 0; first === 0 || first + DENSE_LINES <= rows.length; first++)
    densest = Math.max(densest, said([...head, ...rows.slice(first, first + DENSE_LINES).flat()]));
  const all = [...head, ...rows.flat()];
  return { coverage: said(all), words: new Map(all).size, densest };
}

/**
 * The methods of a matching type that say most of the question: a type matches by its comment and its fields, and it is
 * its methods that do the work.
 */
function membersOf(
  { span, document, segmented, lines, symbol }: Passage,
  question: Question,
  weights: TermWeights,
  prior: number,
): Passage[] {
  if (!symbol || isFunction(symbol) || symbol.kind === 'heading') return [];
  const type = symbol.kind === 'field' ? symbol.container : [...symbol.container, symbol.name];
  if (type.length === 0) return [];
  const members = segmented.symbols.filter(
    (each) =>
      isFunction(each) &&
      !each.declaration &&
      each.container.join('.') === type.join('.') &&
      weights.covered(`${each.name} ${each.doc ?? ''}`) > MEMBER_SAYS,
  );
  return members
    .map((member) =>
      weigh({ span, document, segmented, lines, symbol: member, ...linesOf(member, lines) }, question, weights, prior),
    )
    .sort((a, b) => b.score - a.score)
    .slice(0, MEMBERS);
}

/**
 * The definition or heading that lines are about: the innermost function that holds them all; of a type and the
 * definitions that begin in the lines, the one whose name and own lines say most of the question.
 */
function subjectOf(
  question: Question,
  range: { startLine: number; endLine: number },
  symbols: readonly DocumentSymbol[],
  lines: readonly string[],
  weights: TermWeights,
): DocumentSymbol | undefined {
  // A namespace holds whole files and says nothing of the lines.
  const telling = symbols.filter(({ kind }) => kind !== 'namespace');
  const holding = telling.filter(
    (symbol) => firstLine(symbol) <= range.startLine && range.endLine <= Math.max(symbol.endLine, symbol.startLine),
  );
  const innermost = holding.sort((a, b) => b.container.length - a.container.length || b.startLine - a.startLine)[0];
  if (innermost && isFunction(innermost)) return innermost;
  const inside = telling.filter(
    (symbol) => symbol !== innermost && symbol.startLine >= range.startLine && symbol.startLine <= range.endLine,
  );
  let best = innermost;
  let most = -1;
  for (const symbol of innermost ? [innermost, ...inside] : inside) {
    const next = inside.find((other) => firstLine(other) > symbol.startLine);
    const last = isFunction(symbol)
      ? symbol.endLine
      : Math.min(symbol.endLine, next ? firstLine(next) - 1 : symbol.endLine);
    const match =
      nameMatch(question, symbol, weights) +
      weights.covered(`${labelOf(symbol)} ${textOfLines(lines, firstLine(symbol), last)}`);
    if (match > most) [best, most] = [symbol, match];
  }
  return best;
}

function isFunction({ kind }: DocumentSymbol): boolean {
  return kind === 'function' || kind === 'method' || kind === 'macro';
}

/** The lines of a definition with its doc comment. */
function linesOf(symbol: DocumentSymbol, lines: readonly string[]): { startLine: number; endLine: number } {
  return { startLine: firstLine(symbol), endLine: Math.min(Math.max(symbol.endLine, symbol.startLine), lines.length) };
}

/** The first line of a definition with its doc comment. */
function firstLine(symbol: DocumentSymbol): number {
  return Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
}

/**
 * How much of the question the symbol's name says, its owner's included; more when the question writes the name itself.
 */
function nameMatch(question: Question, symbol: DocumentSymbol, weights: TermWeights): number {
  const owner = symbol.container[symbol.container.length - 1];
  const written =
    question.names.includes(symbol.name) ||
    (owner !== undefined && question.names.includes(owner) && weights.matched(symbol.name) > 0);
  return 1.5 * weights.covered(`${owner ?? ''} ${symbol.name}`) + (written ? 0.3 : 0);
}

/** Tests show how a thing is used, stubs and imports that there is one; what does the work is meant more often. */
function trust(
  question: Question,
  {
    document,
    lines: all,
    symbol,
    startLine,
    endLine,
  }: Pick<Passage, 'document' | 'lines' | 'symbol' | 'startLine' | 'endLine'>,
): number {
  const lines = all.slice(startLine - 1, endLine);
  let factor = 1;
  const kind = pathKind(document.path);
  if (!question.wants.tests && (kind.test || isInlineTest(symbol, document.language))) factor *= TEST;
  if (kind.lock && !/\block|checksum|\bpinned\b/i.test(question.text)) factor *= LOCK;
  if (symbol && isBesideThePoint(question, symbol)) factor *= FIELD;
  if (kind.declaration || (symbol && isDeclared(symbol, all, document.language))) factor *= DECLARED;
  if ((kind.tooling || kind.example) && !/\b(benchmark|example|script|build|sample|demo|tool)/i.test(question.text))
    factor *= BESIDE;
  if (
    lines.filter((line) => /^\s*(import|from|use|using|#include|export \*|\/\*\* @import)\b|^\s*[\w$]+,\s*$/.test(line))
      .length >
    lines.length / 2
  )
    factor *= IMPORTS;
  if (
    lines.length <= 12 &&
    lines.some((line) =>
      /^\s*(raise NotImplementedError|throw new Error\(["'`](not implemented|abstract))|\)[^=]*=\s*(default|delete|0);/i.test(
        line,
      ),
    )
  )
    factor *= STUB;
  return factor;
}

/** Rust keeps unit tests in a module of the file they test. */
function isInlineTest(symbol: DocumentSymbol | undefined, language: string): boolean {
  return (
    language === 'rust' &&
    symbol !== undefined &&
    [...symbol.container, symbol.name].some((name) => /^tests?$/.test(name))
  );
}

/** What keeps or describes something, where what is done is asked for. */
function isBesideThePoint({ form, names }: Question, { name, kind, startLine, endLine }: DocumentSymbol): boolean {
  if (form === 'value' || form === 'what' || names.includes(name)) return false;
  return (
    ['field', 'type', 'interface'].includes(kind) ||
    (['constant', 'variable'].includes(kind) && endLine - startLine < HELD_LINES)
  );
}

/** Languages in which a body needs no brace. */
const WITHOUT_BRACES = new Set(['python', 'ruby', 'shellscript', 'lua', 'haskell', 'elixir', 'r', 'julia', 'sql']);

/** A function without a body: a prototype, a method of an interface. */
function isDeclared(symbol: DocumentSymbol, lines: readonly string[], language: string): boolean {
  if (symbol.declaration) return true;
  return (
    isFunction(symbol) &&
    symbol.kind !== 'macro' &&
    !WITHOUT_BRACES.has(language) &&
    !/\{|=/.test(textOfLines(lines, symbol.startLine, symbol.endLine))
  );
}

/** A declaration beside the definition of the same name. */
function isOtherHalf({ symbol, label, lines, document }: Passage, other: Passage): boolean {
  if (!symbol || !other.symbol || label !== other.label || document.file === other.document.file) return false;
  return (
    isDeclared(symbol, lines, document.language) !== isDeclared(other.symbol, other.lines, other.document.language)
  );
}

function dedupe(passages: readonly Passage[], limit: number): Passage[] {
  const kept: Passage[] = [];
  const perFile = new Map<string, number>();
  for (const passage of passages) {
    if (kept.length === limit) break;
    const count = perFile.get(passage.document.file) ?? 0;
    const overlaps = kept.some(
      (other) =>
        other.document.file === passage.document.file &&
        (other.symbol === passage.symbol || (other.startLine <= passage.endLine && passage.startLine <= other.endLine)),
    );
    if (count >= PASSAGES_PER_FILE || overlaps || kept.some((other) => isOtherHalf(passage, other))) continue;
    perFile.set(passage.document.file, count + 1);
    kept.push(passage);
  }
  return kept;
}
