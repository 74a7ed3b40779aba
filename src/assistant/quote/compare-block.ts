/** Shows two things that a question compares beside each other: a table of what each is, then the lines of each. */
import * as l10n from '@vscode/l10n';
import { throwIfCancelled } from '../../base';
import type { RankedSpan } from '../../protocol';
import { parseQuestion, type Question, termsIn } from '../../search';
import { type CitationList, clip } from '../citations';
import { code, docSentences, labelOf, whatItIs } from '../facts';
import { cite, fence, headRun } from './cited-lines';
import { keyLines, quoteRuns } from './key-lines';
import type { PassageSource } from './passage-source';
import { selectPassages, type Passage } from './passages';
import { quoteProse } from './prose-quotes';
import { linesOf } from './subject';

/** One side of a comparison, and what a search for it alone found. */
export interface ComparedSide {
  name: string;
  spans: readonly RankedSpan[];
}

/** Passages of a side that are looked at, characters of a cell, and lines of code of a side. */
const PASSAGES = 8;
const CELL = 260;
const LINES = 8;
/** Weights of a side's own words in a passage's label, and of the other side's own words anywhere in it. */
const IN_LABEL = 1;
const OF_OTHER = 0.6;

interface Found {
  name: string;
  passage: Passage;
  question: Question;
  weights: Awaited<ReturnType<typeof selectPassages>>['weights'];
}

/** Undefined when one of the sides is not found. */
export async function compareBlock(
  sides: readonly [ComparedSide, ComparedSide],
  source: PassageSource,
  citations: CitationList,
  signal?: AbortSignal,
): Promise<{ markdown: string; passages: readonly Passage[] } | undefined> {
  const [a, b] = sides;
  const first = await bestOf(a, b.name, source, signal);
  const second = await bestOf(b, a.name, source, signal);
  if (!first || !second || isSame(first.passage, second.passage)) return undefined;
  const both = [first, second];
  const rows = [both.map(({ name }) => code(name)), both.map(() => '---')];
  const runs = both.map(({ passage, weights }) =>
    passage.kind === 'prose' ? quoteProse(passage, weights, 'compare', CELL).run : headRun(passage),
  );
  rows.push(both.map(({ passage }, i) => `${whatOf(passage)} [${cite(passage, runs[i] as never, citations).number}]`));
  const says = both.map(saysOf);
  if (says.some((text) => text !== '')) rows.push(says);
  const table = rows.map((row) => `| ${row.map(asCell).join(' | ')} |`).join('\n');
  const quotes = both.flatMap(({ passage, weights }) => {
    if (passage.kind === 'prose') return [];
    const lines = keyLines(passage, weights, 'compare', LINES);
    return [`${code(passage.label)}:\n\n${fence(quoteRuns(passage.lines, lines), passage.document.language)}`];
  });
  return { markdown: [table, ...quotes].join('\n\n'), passages: [first.passage, second.passage] };
}

const isSame = (a: Passage, b: Passage): boolean =>
  a.document.file === b.document.file && a.startLine === b.startLine && a.endLine === b.endLine;

/** The passage that is most about one side and least about the other. */
async function bestOf(
  { name, spans }: ComparedSide,
  other: string,
  source: PassageSource,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  throwIfCancelled(signal);
  const question = parseQuestion(name);
  const { passages, weights } = await selectPassages(question, spans, source, PASSAGES, signal);
  const words = wordsOf(name);
  const others = [...wordsOf(other)].filter((word) => !words.has(word));
  const own = [...words].filter((word) => !wordsOf(other).has(word));
  const sought = own.length > 0 ? own : [...words];
  let best: { passage: Passage; score: number } | undefined;
  for (const [rank, passage] of passages.entries()) {
    const label = wordsOf(passage.label);
    const text = wordsOf(passage.text ?? passage.lines.slice(passage.startLine - 1, passage.endLine).join('\n'));
    const share = (all: readonly string[], of: ReadonlySet<string>): number =>
      all.filter((word) => of.has(word)).length / Math.max(1, all.length);
    const inText = share(sought, new Set([...text, ...label]));
    if (inText === 0) continue;
    const exact = squeezed(passage.symbol?.name ?? '') === squeezed(name) ? IN_LABEL : 0;
    const score =
      inText +
      (passage.symbol ? IN_LABEL * share([...words], label) : 0) +
      exact -
      OF_OTHER * share(others, new Set([...label, ...text])) +
      1 / (2 + rank);
    if (score > (best?.score ?? 0)) best = { passage, score };
  }
  return best && { name, passage: typeFor(best.passage, sought), question, weights };
}

/** The type of a method that is about the side only by the name of its type. */
function typeFor(passage: Passage, sought: readonly string[]): Passage {
  const { symbol, segmented, lines } = passage;
  const owner = symbol?.container.at(-1);
  if (!symbol || owner === undefined || symbol.kind === 'heading') return passage;
  const ofOwner = wordsOf(owner);
  const ofName = wordsOf(symbol.name);
  if (!sought.every((word) => ofOwner.has(word) && !ofName.has(word))) return passage;
  const type = segmented.symbols.find(({ name, kind }) => name === owner && TYPE_KINDS.has(kind));
  return type ? { ...passage, symbol: type, label: labelOf(type), ...linesOf(type, lines) } : passage;
}

const TYPE_KINDS = new Set(['class', 'struct', 'interface', 'enum', 'trait', 'type', 'module']);

const squeezed = (name: string): string => name.replace(/[\W_]/g, '').toLowerCase();

const wordsOf = (text: string): Set<string> =>
  new Set([...termsIn(text)].filter((term) => /^[\p{L}\p{N}]+$/u.test(term) && !ARTICLE.has(term)));

const ARTICLE = new Set(['the', 'a', 'an', 'of', 'and', 'with']);

/** "a struct in `policies.go`", or a section of a document. */
function whatOf({ symbol, document, kind }: Passage): string {
  if (!symbol) return code(document.path);
  const name = kind === 'prose' ? labelOf({ ...symbol, container: [] }) : code(labelOf(symbol));
  const what = kind === 'prose' ? name : `${name}, ${whatItIs(symbol)}`;
  return l10n.t('{0} in {1}', what, code(document.path));
}

/** The comment of a definition, or the quote of a passage, on one line. */
function saysOf({ passage, weights }: Found): string {
  if (passage.kind === 'prose') {
    const text = quoteProse(passage, weights, 'compare', CELL).text.replace(/^\s*>\s?/gm, '');
    return l10n.t('“{0}”', clip(text.replace(/\s+/g, ' ').trim(), CELL + 60));
  }
  const sentences = docSentences(passage.symbol?.doc ?? '');
  return sentences.length === 0 ? '' : l10n.t('“{0}”', clip(sentences.join(' '), CELL));
}

/** A cell of a table holds neither line breaks nor its mark. */
const asCell = (text: string): string => text.replace(/\s*\n\s*/g, ' ').replace(/\|/g, '\\|');
