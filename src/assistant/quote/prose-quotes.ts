/** Quotes from prose: the sentences, items or rows of a passage that answer the question, verbatim. */
import { isBlank } from '../../base';
import { givesNumber, type QuestionForm, type TermCoverage } from '../../search';
import { pageOfMark, type TextUnit, unitsOf, withoutRoles } from '../../workspace';
import type { Run } from './key-lines';
import type { Passage } from './passages';

/** Maximum characters of a quote. A passage that is hardly longer is quoted whole. */
const MOST = 420;
const WHOLE = 520;
/** Shorter quotes grow by the units around them. */
const LEAST = 160;
/** Factor on the size of a quote that ends with what it announces, or would be short without its next unit. */
const SOMEWHAT_LONGER = 1.3;
/** Share of the question's weight that a number adds to a unit when the question asks for a value. */
const VALUE = 0.3;
const REASON = 0.2;
/** Share of the question's weight that a unit adds which the sentence encoder finds most similar. */
const NEAR = 1.2;
/** Weight of a word that the section's title has. */
const IN_TITLE = 0.3;

export interface ProseQuote {
  text: string;
  run: Run;
}

/** @param most maximum characters, of all but a single long sentence */
export function quoteProse(
  passage: Passage,
  weights: TermCoverage,
  form: QuestionForm,
  most: number = MOST,
): ProseQuote {
  const { lines, startLine, endLine } = passage;
  const text = passage.text ?? lines.slice(startLine - 1, endLine).join('\n');
  const units = unitsOf(text);
  const [from, to] =
    text.length <= (most * WHOLE) / MOST
      ? [0, units.length - 1]
      : bestWindow(text, units, passage, weights, form, most);
  const first = units[from];
  const last = units[to];
  if (!first || !last) return { text: quotable(text), run: { startLine, endLine } };
  const quote = text.slice(first.start, last.end).trimEnd();
  const before = lineBreaks(text.slice(0, first.start));
  const code = ANNOUNCES.test(quote) ? codeLines(text, units[to + 1], weights, quote) : undefined;
  const endOfQuote = code ? lineBreaks(text.slice(0, code.end)) : before + lineBreaks(quote);
  const run = { startLine: startLine + before, endLine: Math.min(endLine, startLine + endOfQuote) };
  const head = headRows(passage, run);
  const lead = announcement(text, units, from);
  const parts = [
    ...head,
    ...lead,
    `${from > 0 && lead.length === 0 && head.length === 0 && !startsLine(text, first) ? '… ' : ''}${quote}`,
  ];
  if (code) parts.push('…', text.slice(code.start, code.end));
  else if (to < units.length - 1 && !/[.!?:。]$/.test(quote)) parts.push('…');
  return { text: quotable(parts.join('\n')), run };
}

const ANNOUNCES = /[:：]\s*$/;
/** Lines of an announced block of code that are quoted. */
const CODE_LINES = 4;

/** Share of the question's weight that a line adds for each name of the announcement. */
const ANNOUNCED_NAME = 0.3;

/**
 * The lines of a block of code with most of the question and of the names in the sentence that announces it, for a
 * block that is too long to be quoted whole.
 */
function codeLines(
  text: string,
  unit: TextUnit | undefined,
  weights: TermCoverage,
  announcement: string,
): Pick<TextUnit, 'start' | 'end'> | undefined {
  if (unit?.kind !== 'code') return undefined;
  const names = [...announcement.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
  const lines: { start: number; end: number; terms: [string, number][]; names: number }[] = [];
  let at = unit.start;
  for (const line of text.slice(unit.start, unit.end).split('\n')) {
    if (!isBlank(line) && !/^\s*(?:`{3,}|~{3,})/.test(line))
      lines.push({
        start: at,
        end: at + line.length,
        terms: weights.termsIn(line),
        names: names.filter((name) => line.includes(name)).length,
      });
    at += line.length + 1;
  }
  let best = { score: 0, first: -1 };
  for (let first = 0; first < lines.length; first++) {
    const some = lines.slice(first, first + CODE_LINES);
    const found = new Map(some.flatMap(({ terms }) => terms));
    const named = some.reduce((sum, line) => sum + line.names, 0);
    const score = [...found.values()].reduce((a, b) => a + b, 0) + ANNOUNCED_NAME * weights.total * named;
    if (score > best.score) best = { score, first };
  }
  const shown = best.first < 0 ? [] : lines.slice(best.first, best.first + CODE_LINES);
  const [from, to] = [shown[0], shown.at(-1)];
  return from && to ? { start: from.start, end: to.end } : undefined;
}

const lineBreaks = (text: string): number => text.match(/\n/g)?.length ?? 0;

const startsLine = (text: string, { start }: TextUnit): boolean => start === 0 || text[start - 1] === '\n';

/** First and last unit of the neighbours with most of the question, as many as fit. */
function bestWindow(
  text: string,
  units: readonly TextUnit[],
  passage: Passage,
  weights: TermCoverage,
  form: QuestionForm,
  most: number,
): [number, number] {
  const titled = new Set(
    weights.termsIn(passage.symbol?.kind === 'heading' ? passage.symbol.name : '').map(([term]) => term),
  );
  const found = units.map(({ start, end }) => weights.termsIn(text.slice(start, end)));
  const near = passage.span.units?.length === units.length ? passage.span.units : undefined;
  const bonus = units.map(
    ({ start, end }, i) => weights.total * (bonusOf(text.slice(start, end), form) + NEAR * Math.max(0, near?.[i] ?? 0)),
  );
  let best: [number, number] = [0, 0];
  let bestScore = -1;
  for (let from = 0; from < units.length; from++) {
    const terms = new Map<string, number>();
    let extra = 0;
    for (let to = from; to < units.length; to++) {
      const length = (units[to]?.end ?? 0) - (units[from]?.start ?? 0);
      if (length > most && to > from) break;
      for (const [term, weight] of found[to] ?? []) terms.set(term, titled.has(term) ? IN_TITLE * weight : weight);
      extra = Math.max(extra, bonus[to] ?? 0);
      const score = [...terms.values()].reduce((a, b) => a + b, 0) + extra;
      // A shorter window with the same words says more.
      const dense = score / (1 + length / (6 * most));
      if (dense > bestScore) [best, bestScore] = [[from, to], dense];
    }
  }
  return grown(text, units, best, most);
}

/** Adds what a last unit announces, then neighbours while the quote is short, the following first. */
function grown(
  text: string,
  units: readonly TextUnit[],
  [first, last]: [number, number],
  most: number,
): [number, number] {
  let [from, to] = [first, last];
  const length = (): number => (units[to]?.end ?? 0) - (units[from]?.start ?? 0);
  const announces = (): boolean => ANNOUNCES.test(text.slice(0, units[to]?.end));
  while (
    announces() &&
    units[to + 1] &&
    (units[to + 1]?.end ?? 0) - (units[from]?.start ?? 0) <= SOMEWHAT_LONGER * most
  )
    to++;
  while (length() < LEAST) {
    const after = units[to + 1];
    const before = units[from - 1];
    if (after && after.end - (units[from]?.start ?? 0) <= SOMEWHAT_LONGER * most) to++;
    else if (before && (units[to]?.end ?? 0) - before.start <= most) from--;
    else break;
  }
  return [from, to];
}

const BECAUSE =
  /\b(?:because|since|so that|in order to|the reason|therefore|otherwise|to avoid|to allow|to prevent|weil|damit|denn|parce que|afin|pour|car|потому|чтобы)\b|ため|から|因为|以便/iu;

function bonusOf(text: string, form: QuestionForm): number {
  if (form === 'value') return givesNumber(text) ? VALUE : 0;
  return form === 'why' && BECAUSE.test(text) ? REASON : 0;
}

/** The sentence that announces a list, for a quote that begins within the list. */
function announcement(text: string, units: readonly TextUnit[], from: number): string[] {
  if (units[from]?.kind !== 'item') return [];
  const announcing = units.slice(0, from).findLast(({ kind }) => kind === 'sentence');
  const said = announcing && text.slice(announcing.start, announcing.end).trim();
  return said && /[:：]$/.test(said) && said.length <= MOST / 2
    ? [said, ...(units[from - 1] === announcing ? [] : ['…'])]
    : [];
}

/** The head of a table whose rows are quoted. */
function headRows({ lines }: Passage, { startLine }: Run): string[] {
  if (!/^\s*\|/.test(lines[startLine - 1] ?? '')) return [];
  let top = startLine;
  while (/^\s*\|/.test(lines[top - 2] ?? '')) top--;
  const isHead = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/.test(lines[top] ?? '');
  return isHead && startLine > top + 1 ? lines.slice(top - 1, top + 1) : [];
}

const MOST_LINE = 600;

/** Rulers, and lines of AsciiDoc that mark a block or a place: `====`, `[NOTE]`, `[source,console]`, `[[anchor]]`. */
const BLOCK_MARK =
  /^\s*(?:([=\-*_.+])\1{3,}|\[(?:\[[^\]]*\]|[\w%#.-]+(?:,[^\]]*)?)\]|\({3}.*\){3}|image::\S+\[.*\])\s*$/;

/** A number in brackets would read as a citation, and a fence would open a code block. Marks of pages are left out. */
function quotable(text: string): string {
  return withoutRoles(text)
    .split('\n')
    .filter((line) => (!BLOCK_MARK.test(line) || /^\s*\[\d+\]/.test(line)) && pageOfMark(line.trim()) === undefined)
    .map((line) => (line.length > MOST_LINE ? `${line.slice(0, MOST_LINE)}…` : line))
    .map((line) => line.replace(/\[(\d+)\]/g, '($1)').replace(/^(\s*)(?:`{3,}|~{3,})\S*\s*$/, '$1'))
    .filter((line, i, all) => !isBlank(line) || (i > 0 && !isBlank(all[i - 1] ?? '')))
    .join('\n')
    .trimEnd();
}
