/**
 * Units: the runs of lines that a model reads as quotes. They are parts of the index's segments, so that different
 * questions about the same code read the same units, whose rows are kept.
 */
import type { ChatMessage, Span, Writer } from '../../protocol';
import { textOfLines } from '../../base';
import { pathKind } from '../../workspace';
import type { Evidence } from '../quote/evidence';
import { readerQuote } from './reader-prompt';
import type { Passage } from '../quote/passages';

export interface Unit extends Span {
  text: string;
  label: string;
  /** The text as the model reads it. It holds no line numbers, so a unit that moves within its file stays the same. */
  quote: string;
}

export interface UnitChoice {
  /** Best last, beside the question. */
  units: readonly Unit[];
  tokens: number;
}

/** Seconds of reading that an answer waits for. */
const READING_SECONDS = 4;
/** Tokens read where the model's speed is not known, and most tokens of an answer's units, read or kept. */
const READ_TOKENS = 1_500;
const MOST_TOKENS = 2_500;
/** The bundled reader was trained on evidence of up to this many tokens. */
const READER_TOKENS = 1_200;
/** Tokens of the instructions, the question and the template. */
const FRAME_TOKENS = 150;
/** Further parts of a passage compete with passages this many ranks below it. */
const FURTHER = 2;
const CANDIDATES = 12;

/** Most characters of a unit: about 250 tokens, so that an answer reads five or six places. */
const UNIT_CHARACTERS = 1_000;

/**
 * The parts of the passages, best first. Tests state values of their own ("21 redirects"), so they are read only if
 * nothing else is found, or the question asks for them.
 */
export function candidateUnits(
  { passages, weights }: Pick<Evidence, 'passages' | 'weights'>,
  wantsTests = false,
): Unit[] {
  const ranked: { unit: Unit; tier: number }[] = [];
  const seen = new Set<string>();
  const untested = passages.filter(({ document }) => !pathKind(document.path).test);
  (wantsTests || untested.length === 0 ? passages : untested).forEach((passage, rank) => {
    partsOf(passage)
      .map((unit) => ({ unit, matched: weights.matched(unit.text) }))
      .sort((a, b) => b.matched - a.matched)
      .forEach(({ unit }, i) => {
        const key = `${unit.file}\0${unit.startLine}`;
        if (!seen.has(key)) ranked.push({ unit, tier: rank + FURTHER * i });
        seen.add(key);
      });
  });
  return ranked
    .sort((a, b) => a.tier - b.tier)
    .slice(0, CANDIDATES)
    .map(({ unit }) => unit);
}

function partsOf({ document, segmented, lines, startLine, endLine, label }: Passage): Unit[] {
  return segmented.segments
    .flatMap((segment) => unitsOf({ ...segment, file: document.file, path: document.path }, lines, label))
    .filter((unit) => unit.startLine <= endLine && unit.endLine >= startLine);
}

/** Cuts a segment at blank lines into units. The question has no say in it, so the next one finds the same units. */
export function unitsOf({ file, path, startLine, endLine }: Span, lines: readonly string[], label: string): Unit[] {
  const units: Unit[] = [];
  let first = startLine;
  while (first <= endLine) {
    let last = first;
    let blank: number | undefined;
    let characters = (lines[first - 1] ?? '').length;
    while (last < endLine && characters + (lines[last] ?? '').length < UNIT_CHARACTERS) {
      characters += (lines[last] ?? '').length + 1;
      last += 1;
      if ((lines[last - 1] ?? '').trim() === '' && characters > UNIT_CHARACTERS / 2) blank = last;
    }
    if (last < endLine && blank !== undefined) last = blank;
    const unit = unitOf({ file, path, startLine: first, endLine: last }, lines, label);
    if (unit.text.trim() !== '') units.push(unit);
    first = last + 1;
  }
  return units;
}

export function unitOf(span: Span, lines: readonly string[], label: string): Unit {
  const text = textOfLines(lines, span.startLine, span.endLine).trimEnd();
  const title = label === span.path ? '' : ` (${label})`;
  return { ...span, text, label, quote: `File ${span.path}${title}:\n${text}\n\n` };
}

/**
 * Chooses the units that the model reads within a few seconds. Units whose rows are kept cost nothing, but nothing more
 * is read beside them than a first question would read: the same question asked again reads nothing. The best unit is
 * always among them.
 */
export async function chooseUnits(
  candidates: readonly Unit[],
  writer: Writer,
  chatWith: (units: readonly Unit[]) => ChatMessage[],
  room: number,
  signal?: AbortSignal,
): Promise<UnitChoice> {
  const ofReader = writer.author.kind === 'bundled';
  if (ofReader) candidates = candidates.map((unit) => ({ ...unit, quote: readerQuote(unit) }));
  const alone = candidates.map(({ quote }): ChatMessage[] => [{ role: 'user', content: quote }]);
  const [empty = 0, ...counts] = await writer.countChats([[{ role: 'user', content: '' }], ...alone], signal);
  const ready = await writer.readiness?.(
    chatWith(candidates),
    candidates.map(({ quote }) => quote),
    signal,
  );
  const mostRead = ready ? Math.max(0, ready.tokensPerSecond * READING_SECONDS - FRAME_TOKENS) : READ_TOKENS;
  const most = Math.min(room, ofReader ? READER_TOKENS : MOST_TOKENS);
  const chosen: Unit[] = [];
  let tokens = 0;
  candidates.forEach((unit, i) => {
    const cost = Math.max(1, (counts[i] ?? 0) - empty);
    const isKept = ready?.held[i] ?? false;
    const fits = tokens + cost <= (isKept ? most : Math.min(most, mostRead));
    if (!fits && !(chosen.length === 0 && cost <= room)) return;
    chosen.push(unit);
    tokens += cost;
  });
  return { units: chosen.reverse(), tokens };
}
