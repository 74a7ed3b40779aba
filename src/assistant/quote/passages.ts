/**
 * Turns ranked spans into passages. A span is a search result. A passage is the definition or section that the answer
 * shows.
 */
import { textOfLines, throwIfCancelled } from '../../base';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import type { RankedSpan } from '../../protocol';
import { labelOf } from '../facts';
import type { Question, RankedSite } from '../../search';
import { TermCoverage } from '../../search';
import type { Run } from './key-lines';
import { behindLicence } from './licence';
import type { OpenFile, PassageSource } from './passage-source';
import { firstLine, isFunction, linesOf, nameMatch, subjectOf } from './subject';
import { isDeclared, trust } from './trust';

export interface Passage {
  span: RankedSpan;
  document: Document;
  segmented: SegmentedDocument;
  lines: readonly string[];
  /** The definition or heading of the passage, if any. */
  symbol?: DocumentSymbol;
  /** Includes the doc comment. */
  startLine: number;
  endLine: number;
  /** The lines that answer the question by themselves, to be quoted first. */
  site?: Run;
  /** Text of a passage of prose. It may be a part of long lines. */
  text?: string;
  label: string;
  kind: 'code' | 'prose' | 'data';
  /** Share (0…1) of the question's term weight that the passage contains. */
  coverage: number;
  /** Number of question words that the passage contains. */
  words: number;
  score: number;
}

/** Maximum number of spans read. The tail of a ranking seldom has the answer, and each span costs a read. */
const SPANS_READ = 16;
const PASSAGES_PER_FILE = 3;
/** A long document may hold the whole answer. */
const PASSAGES_PER_DOCUMENT = 8;
/**
 * Score decay per rank, score of a passage without any question word, and weight of a matching name.
 */
const RANK_DECAY = 0.08;
const PRIOR = 0.35;
const NAMED = 0.6;
/** Weight of the densest lines relative to the whole passage, and the number of lines in that window. */
const DENSE = 0.8;
const DENSE_LINES = 12;
/** Score factor for members of a matching type, and how many to include. */
const MEMBER = 0.8;
const MEMBERS = 2;
/** Share of the question that a member's own name and comment must match. */
const MEMBER_SAYS = 0.2;

/**
 * Selects at most `limit` passages, best first. Overlapping passages and a declaration beside its definition are
 * dropped.
 */
export async function selectPassages(
  question: Question,
  spans: readonly RankedSpan[],
  source: PassageSource,
  limit: number,
  signal?: AbortSignal,
): Promise<{ passages: Passage[]; weights: TermCoverage }> {
  const weights = new TermCoverage(
    question,
    spans.map((span) => `${span.path}\n${span.breadcrumb.join(' ')}\n${span.text}`),
  );
  const best = spans[0]?.score ?? 1;
  const found: Passage[] = [];
  for (const [rank, span] of spans.slice(0, SPANS_READ).entries()) {
    throwIfCancelled(signal);
    const file = await source.open(span.file);
    if (!file) continue;
    // The search has seen the whole workspace, and this step only a span. So the search's order counts most.
    const prior = (best > 0 ? span.score / best : 1) / (1 + RANK_DECAY * rank);
    const passage = passageOf(question, span, file, weights, prior);
    if (passage) found.push(passage, ...membersOf(passage, question, weights, prior * MEMBER));
  }
  found.sort((a, b) => b.score - a.score);
  return { passages: dedupe(inOrderOfSearch(found, spans), limit), weights };
}

/** Passages of prose keep the order of the search, which has compared their meaning too. Code keeps its places. */
function inOrderOfSearch(found: readonly Passage[], spans: readonly RankedSpan[]): Passage[] {
  const prose = found
    .filter(({ text }) => text !== undefined)
    .sort((a, b) => spans.indexOf(a.span) - spans.indexOf(b.span));
  return found.map((passage) =>
    passage.text === undefined ? passage : { ...(prose.shift() as Passage), score: passage.score },
  );
}

function passageOf(
  question: Question,
  span: RankedSpan,
  { document, segmented, lines }: OpenFile,
  weights: TermCoverage,
  prior: number,
): Passage | undefined {
  const last = Math.min(span.endLine, lines.length);
  if (span.startLine > last) return undefined;
  if (span.kind === 'prose') {
    const { startLine, text } = span;
    if (!behindLicence(question.text, document.path, lines, { startLine, endLine: last })) return undefined;
    const symbol = headingOf(segmented.symbols, startLine);
    return weigh(
      { span, document, segmented, lines, symbol, startLine, endLine: last, text },
      question,
      weights,
      prior,
    );
  }
  const symbol = subjectOf(question, { startLine: span.startLine, endLine: last }, segmented.symbols, lines, weights);
  // A function is shown whole. A type or a section is shown only at the lines that the search found.
  const whole = symbol && (isFunction(symbol) || (firstLine(symbol) >= span.startLine && symbol.endLine <= last));
  const found = whole ? linesOf(symbol, lines) : { startLine: span.startLine, endLine: last };
  const range = symbol ? found : behindLicence(question.text, document.path, lines, found);
  if (!range) return undefined;
  return weigh({ span, document, segmented, lines, symbol, ...range }, question, weights, prior);
}

/** The passage of a site: its sentence in prose, or its lines of code with the definition that they are in. */
export function passageOfSite(
  question: Question,
  { prose, startLine, endLine, ...site }: RankedSite,
  file: OpenFile,
  weights: TermCoverage,
): Passage | undefined {
  if (prose) return passageOf(question, prose, file, weights, 1);
  const { document, segmented, lines } = file;
  if (endLine > lines.length) return undefined;
  const text = textOfLines(lines, startLine, endLine);
  const span = { ...site, startLine, endLine, breadcrumb: [], reasons: [], text, language: document.language };
  const symbol = definitionAt(segmented.symbols, startLine, endLine);
  const place = { span, document, segmented, lines, symbol, startLine, endLine };
  return { ...weigh(place, question, weights, 1), kind: 'code', site: { startLine, endLine } };
}

/** The definition that the lines are in, or begins in them; a namespace is none. */
function definitionAt(
  symbols: readonly DocumentSymbol[],
  startLine: number,
  endLine: number,
): DocumentSymbol | undefined {
  const telling = symbols.filter(({ kind }) => kind !== 'namespace' && kind !== 'heading');
  return (
    telling.findLast((symbol) => startLine <= symbol.startLine && symbol.startLine <= endLine) ??
    telling.findLast((symbol) => symbol.startLine <= startLine && endLine <= symbol.endLine)
  );
}

/** The innermost heading whose section holds the line. */
function headingOf(symbols: readonly DocumentSymbol[], line: number): DocumentSymbol | undefined {
  return symbols.findLast(({ kind, startLine, endLine }) => kind === 'heading' && startLine <= line && line <= endLine);
}

/** Scores a passage: rank × match of its lines and name × trust in its kind. */
function weigh(
  place: Pick<Passage, 'span' | 'document' | 'segmented' | 'lines' | 'symbol' | 'startLine' | 'endLine' | 'text'>,
  question: Question,
  weights: TermCoverage,
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

/** Share of the question in all lines, and in the densest lines. A long function contains every word somewhere. */
function coverageOf(
  { document, lines, startLine, endLine }: Pick<Passage, 'document' | 'lines' | 'startLine' | 'endLine'>,
  label: string,
  weights: TermCoverage,
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
 * The methods of a matching type that match the question best. The type may match by its comment and fields, but its
 * methods do the work.
 */
function membersOf(
  { span, document, segmented, lines, symbol }: Passage,
  question: Question,
  weights: TermCoverage,
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

/** True if one passage declares the function or type that the other defines. */
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
        ((passage.text === undefined && other.symbol === passage.symbol) ||
          (other.startLine <= passage.endLine && passage.startLine <= other.endLine && other.text !== passage.text)),
    );
    const most = passage.text === undefined ? PASSAGES_PER_FILE : PASSAGES_PER_DOCUMENT;
    if (count >= most || overlaps || kept.some((other) => isOtherHalf(passage, other))) continue;
    perFile.set(passage.document.file, count + 1);
    kept.push(passage);
  }
  return kept;
}
