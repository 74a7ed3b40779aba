/**
 * Citations: numbering, location and verification. A citation states that the lines exist, have this text, and support
 * the sentence. It is verified before the answer is sent, and can be located later even if the file has been edited.
 */
import * as l10n from '@vscode/l10n';
import { splitLines, textOfLines } from '../base';
import { sha256 } from '../base/node';
import type { Citation, Span } from '../protocol';
import type { AssistantLibrary } from './library';

/** A span with the text it had when it was read. It has no citation number yet. */
export interface Source extends Span {
  text: string;
  label: string;
  commit?: string;
}

/** Numbers citations in order of first use. The same lines get the same number. */
export class CitationList {
  private readonly byPlace = new Map<string, Citation>();

  /** @param first citations that have a number already */
  constructor(first: readonly Citation[] = []) {
    for (const citation of first) this.byPlace.set(keyOf(citation), citation);
  }

  cite(source: Source): Citation {
    const key = keyOf(source);
    const known = this.byPlace.get(key);
    if (known) return known;
    const citation: Citation = {
      number: this.byPlace.size + 1,
      file: source.file,
      path: source.path,
      startLine: source.startLine,
      endLine: source.endLine,
      text: source.text,
      hash: sha256(source.text),
      label: source.label,
      ...(source.commit === undefined ? {} : { commit: source.commit }),
    };
    this.byPlace.set(key, citation);
    return citation;
  }

  get all(): readonly Citation[] {
    return [...this.byPlace.values()];
  }
}

function keyOf({ file, startLine, endLine, commit = '' }: Span & { commit?: string }): string {
  return `${file}\0${startLine}\0${endLine}\0${commit}`;
}

export type Located = { state: 'same' | 'moved' | 'changed' | 'missing'; span: Span };

/**
 * Locates a citation's text in the present file: at its lines (`same`), elsewhere in the file (`moved`), not in the
 * file (`changed`), or the file does not exist (`missing`).
 */
export async function locateCitation(citation: Citation, library: Pick<AssistantLibrary, 'read'>): Promise<Located> {
  const span: Span = {
    file: citation.file,
    path: citation.path,
    startLine: citation.startLine,
    endLine: citation.endLine,
  };
  let lines: string[];
  try {
    lines = splitLines((await library.read(citation.file)).text);
  } catch {
    return { state: 'missing', span };
  }
  return locateInLines(citation, lines, span);
}

export function locateInLines(
  citation: Pick<Citation, 'text' | 'hash'>,
  lines: readonly string[],
  span: Span,
): Located {
  if (sha256(textOfLines(lines, span.startLine, span.endLine)) === citation.hash) return { state: 'same', span };
  const wanted = citation.text.split('\n');
  const start = nearestRun(wanted, lines, span.startLine - 1);
  if (start !== undefined) {
    return { state: 'moved', span: { ...span, startLine: start + 1, endLine: start + wanted.length } };
  }
  return { state: 'changed', span: nearestRemains(wanted, lines, span) };
}

/** Start index of the run `wanted` in `lines`. If there are several, the one nearest to `from`. */
function nearestRun(wanted: readonly string[], lines: readonly string[], from: number): number | undefined {
  let nearest: number | undefined;
  for (let start = 0; start + wanted.length <= lines.length; start++) {
    if (lines[start] !== wanted[0]) continue;
    if (!wanted.every((line, offset) => lines[start + offset] === line)) continue;
    if (nearest === undefined || Math.abs(start - from) < Math.abs(nearest - from)) nearest = start;
  }
  return nearest;
}

/**
 * The span to show for an edited text. Distinctive lines that are still in the file locate it. Without any, it is the
 * old span, clipped to the file.
 */
function nearestRemains(wanted: readonly string[], lines: readonly string[], span: Span): Span {
  const positions = new Map<string, number[]>();
  lines.forEach((line, index) => {
    if (line.trim().length < 8) return;
    const list = positions.get(line);
    if (list) list.push(index);
    else positions.set(line, [index]);
  });
  const offsets = new Map<number, number>();
  wanted.forEach((line, offset) => {
    for (const index of positions.get(line) ?? []) offsets.set(index - offset, (offsets.get(index - offset) ?? 0) + 1);
  });
  let start = span.startLine - 1;
  let votes = 0;
  for (const [candidate, count] of offsets) {
    if (
      count > votes ||
      (count === votes && Math.abs(candidate - (span.startLine - 1)) < Math.abs(start - (span.startLine - 1)))
    ) {
      start = candidate;
      votes = count;
    }
  }
  const first = Math.min(Math.max(start, 0), Math.max(lines.length - 1, 0));
  const last = Math.min(Math.max(first, start + wanted.length - 1), Math.max(lines.length - 1, 0));
  return { ...span, startLine: first + 1, endLine: last + 1 };
}

// ── Sentences and their support ───────────────────────────────────────────────────────────────────────────────────

/**
 * Matches inline code, which is skipped (`list[0]` is not a citation), or a marker. The group is the marker's number.
 */
const CODE_OR_MARKER = /`[^`\n]*`| ?\[(\d+)\]/g;

/** Citation numbers in a sentence, in order, without duplicates. */
export function markersIn(sentence: string): number[] {
  const numbers = [...sentence.matchAll(CODE_OR_MARKER)].flatMap((match) =>
    match[1] === undefined ? [] : [Number(match[1])],
  );
  return [...new Set(numbers)];
}

/** Replaces each marker by the result of `change`. Inline code is not changed. */
export function mapMarkers(sentence: string, change: (number: number, marker: string) => string): string {
  return sentence.replace(CODE_OR_MARKER, (whole, digits: string | undefined) =>
    digits === undefined ? whole : change(Number(digits), whole),
  );
}

/**
 * Code-like names in a sentence: text in backticks, snake_case, camelCase, dotted paths and calls. They can be checked
 * against the cited lines without understanding the sentence.
 */
export function namesIn(sentence: string): string[] {
  const names = new Set<string>();
  const withoutMarkers = mapMarkers(sentence, () => ' ');
  for (const quoted of withoutMarkers.matchAll(/`([^`\n]+)`/g)) {
    for (const word of (quoted[1] ?? '').match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? [])
      if (word.length > 1) names.add(word);
  }
  for (const word of withoutMarkers.replace(/`[^`\n]*`/g, ' ').match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []) {
    if (/\p{L}_\p{L}/u.test(word) || /\p{Ll}\p{Lu}/u.test(word)) names.add(word);
  }
  return [...names];
}

/**
 * Names in the sentence that are not in the cited lines, their path or their label. Empty if the sentence is supported.
 */
export function unsupportedNames(
  sentence: string,
  citations: readonly Pick<Citation, 'text' | 'path' | 'label'>[],
): string[] {
  const ground = citations.map((citation) => `${citation.text}\n${citation.path}\n${citation.label}`).join('\n');
  const words = new Set(ground.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []);
  return namesIn(sentence).filter((name) => !words.has(name));
}

export interface CheckedMarkdown {
  markdown: string;
  /** Citations that the text still refers to, renumbered 1, 2, 3 … in order of appearance. */
  citations: readonly Citation[];
  /** Removed markers, each as a sentence with the reason. */
  removed: readonly string[];
}

/**
 * Verifies every marker of an answer: the citation exists, its lines still have the quoted text, and they contain every
 * name in the sentence. A marker that fails is removed and reported. The sentence stays.
 *
 * @param renumber false keeps the numbers, for a text whose citations are shown already
 */
export async function checkMarkdown(
  markdown: string,
  citations: readonly Citation[],
  library: Pick<AssistantLibrary, 'read'>,
  { renumber = true }: { renumber?: boolean } = {},
): Promise<CheckedMarkdown> {
  const byNumber = new Map(citations.map((citation) => [citation.number, citation]));
  const stale = new Map<number, string>();
  const used = new Set<number>();
  mapSentences(markdown, (sentence) => {
    for (const number of markersIn(sentence)) used.add(number);
    return sentence;
  });
  for (const number of used) {
    const citation = byNumber.get(number);
    if (!citation) stale.set(number, l10n.t('{0} has no source.', `[${number}]`));
    // A commit is addressed by its content.
    else if (citation.commit === undefined) {
      const located = await locateCitation(citation, library);
      if (located.state === 'moved') byNumber.set(number, { ...citation, ...located.span });
      else if (located.state !== 'same')
        stale.set(number, l10n.t('{0} {1} changed while the answer was being written.', `[${number}]`, citation.path));
    }
  }

  const removed = [...stale.values()];
  const renumbered = new Map<number, number>();
  const kept: Citation[] = [];
  const checked = mapSentences(markdown, (sentence) => {
    const numbers = markersIn(sentence).filter((number) => !stale.has(number));
    const grounds = numbers.map((number) => byNumber.get(number)).filter((citation) => citation !== undefined);
    const missing = numbers.length > 0 ? unsupportedNames(sentence, grounds) : [];
    if (missing.length > 0)
      removed.push(
        l10n.t(
          '“{0}” is not supported by what it cited: {1} not found there.',
          clip(sentence.trim(), 60),
          missing.join(', '),
        ),
      );
    return mapMarkers(sentence, (number, marker) => {
      const citation = byNumber.get(number);
      if (!citation || stale.has(number) || missing.length > 0) return '';
      let next = renumbered.get(number);
      if (next === undefined) {
        next = renumber ? kept.length + 1 : number;
        renumbered.set(number, next);
        kept.push({ ...citation, number: next });
      }
      return marker.replace(/\d+/, String(next));
    });
  });
  return { markdown: checked, citations: kept, removed };
}

/** Applies `change` to each sentence outside fenced code. All other characters stay the same. */
export function mapSentences(markdown: string, change: (sentence: string) => string): string {
  let inFence = false;
  return markdown
    .split('\n')
    .map((line) => {
      if (/^\s*(```|~~~)/.test(line)) {
        inFence = !inFence;
        return line;
      }
      return inFence || !line.includes('[') ? line : sentencesOf(line).map(change).join('');
    })
    .join('\n');
}

/**
 * Splits a line into sentences with their trailing markers and white space. The joined parts equal the line. A sentence
 * ends at . ! ? (or their fullwidth forms) with closing quotes and markers, before white space, outside backticks.
 */
export function sentencesOf(line: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let inCode = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '`') inCode = !inCode;
    if (inCode || !/[.!?。！？]/.test(line[at] ?? '')) continue;
    const tail = /^[.!?。！？]+[)"'”’»*_]*(?:\s*\[\d+\])*/.exec(line.slice(at))?.[0] ?? '';
    const end = at + tail.length;
    if (end < line.length && !/\s/.test(line[end] ?? '')) continue;
    const space = /^\s*/.exec(line.slice(end))?.[0].length ?? 0;
    parts.push(line.slice(start, end + space));
    start = end + space;
    at = start - 1;
  }
  if (start < line.length) parts.push(line.slice(start));
  return parts;
}

/** Shortens a text to at most `length` characters, between words if possible, and marks the cut. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length - 1);
  const space = cut.lastIndexOf(' ');
  return `${(space > length * 0.6 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
