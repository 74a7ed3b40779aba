/**
 * Passages of prose: a paragraph, a list or rows of a table, with the titles of its sections. Questions are matched
 * with passages, because a segment holds several subjects and a line none.
 */
import { LineTable } from '../../base';
import { isCellMarker } from '../cell-markers';
import { pageOfMark } from '../page-marks';
import type { ReadDocument } from '../read-document';
import { isListing, titleKey } from './listings';

export interface ProsePassage {
  startLine: number;
  endLine: number;
  /** Character offsets [start, end) in the document's text. Several passages may share one long line. */
  start: number;
  end: number;
  /** Titles of the sections around it, outermost first. */
  titles: readonly string[];
  /** A block of code is cut, and the passage begins with the rest of it. */
  beginsInCode?: true;
}

/** Small blocks join up to this length. */
const SMALL = 250;
const JOINED = 700;
/** A paragraph that announces what follows takes it along, up to this length. */
const ANNOUNCED = 1_100;
/** Longer blocks are cut, at lines or sentences. */
const MOST = 900;

const known = new WeakMap<ReadDocument, readonly ProsePassage[]>();

/** The passages of a document's prose, in order. Contents, link definitions and badges are left out. */
export function passagesOf(read: ReadDocument): readonly ProsePassage[] {
  let passages = known.get(read);
  if (!passages) known.set(read, (passages = cutPassages(read)));
  return passages;
}

interface Block {
  first: number;
  /** 0-based and exclusive. */
  end: number;
  characters: number;
  announces: boolean;
  /** It begins a page, and what is above the page is complete. */
  beginsPage: boolean;
}

function cutPassages({ document, segmented }: ReadDocument): ProsePassage[] {
  const lines = new LineTable(document.text);
  const headings = segmented.symbols.filter(({ kind }) => kind === 'heading');
  const listed = new Set(headings.map(({ name }) => titleKey(name)));
  const passages: ProsePassage[] = [];
  let next = 0;
  let titles: readonly string[] = [];
  let blocks: Block[] = [];
  const close = (): void => {
    for (const { first, end } of joined(blocks)) passages.push(...pieces(lines, first, end, titles));
    blocks = [];
  };
  for (const { first, end } of proseRanges(segmented.segments)) {
    let open: Block | undefined;
    let fence = '';
    let beginsPage = false;
    const endBlock = (): void => {
      if (open && !isListing(textsOf(lines, open), listed)) {
        open.announces = /[:：]\s*$/.test(lines.line(open.end - 1, 2_000));
        open.characters = lines.length(open.first, open.end);
        blocks.push(open);
      }
      open = undefined;
    };
    for (let line = first; line < end; line++) {
      const heading = headings[next];
      if (heading && heading.startLine - 1 <= line) {
        endBlock();
        close();
        fence = '';
        next++;
        titles = [...heading.container, heading.name];
        line = Math.max(line, endOfHeading(lines, heading.startLine - 1)) - 1;
        continue;
      }
      const text = lines.line(line, 200);
      if (isCellMarker(text)) {
        endBlock();
        close();
        continue;
      }
      const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
      if (mark && (fence === '' || text.trim() === fence)) fence = fence === '' ? mark : '';
      const isBreak = fence === '' && (text.trim() === '' || pageOfMark(text) !== undefined);
      if (isBreak) {
        endBlock();
        const above = blocks.at(-1);
        if (text.trim() !== '') beginsPage = above !== undefined && ENDED.test(lines.line(above.end - 1, 2_000));
      } else if (open) open.end = line + 1;
      else {
        open = { first: line, end: line + 1, characters: 0, announces: false, beginsPage };
        beginsPage = false;
      }
    }
    endBlock();
    close();
  }
  return passages;
}

/** Runs of lines in prose segments, 0-based, [first, end). */
function proseRanges(segments: ReadDocument['segmented']['segments']): { first: number; end: number }[] {
  const ranges: { first: number; end: number }[] = [];
  for (const { kind, startLine, endLine } of segments) {
    if (kind !== 'prose') continue;
    const last = ranges.at(-1);
    if (last?.end === startLine - 1) last.end = endLine;
    else ranges.push({ first: startLine - 1, end: endLine });
  }
  return ranges;
}

const ENDED = /[.!?。！？][)"'”’]*\s*$/;

const ADORNMENT = /^\s*([!-/:-@[-`{-~])\1{1,}\s*$/;

/** The line after a heading and the rulers around it. */
function endOfHeading(lines: LineTable, first: number): number {
  let line = first;
  if (ADORNMENT.test(lines.line(line, 300))) line++;
  line++;
  if (line < lines.count && ADORNMENT.test(lines.line(line, 300))) line++;
  return line;
}

const textsOf = (lines: LineTable, { first, end }: Block): string[] =>
  Array.from({ length: end - first }, (_, i) => lines.line(first + i, 500));

/** Joins small blocks, and announcements with what they announce. */
function joined(blocks: readonly Block[]): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    const together = (last?.characters ?? 0) + block.characters;
    const belongs =
      last &&
      !block.beginsPage &&
      (last.announces
        ? together <= ANNOUNCED
        : (last.characters < SMALL || block.characters < SMALL / 2) && together <= JOINED);
    if (belongs) {
      last.end = block.end;
      // A list is complete with its announcement.
      last.characters = last.announces ? Math.max(together, SMALL) : together;
      last.announces = block.announces;
    } else result.push({ ...block });
  }
  return result;
}

const isFence = (line: string): boolean => /^\s*(?:`{3,}|~{3,})/.test(line);

/** Cuts a long block at the ends of lines, and a long line at the ends of sentences. */
function pieces(lines: LineTable, first: number, end: number, titles: readonly string[]): ProsePassage[] {
  const passages: ProsePassage[] = [];
  const whole = lines.end(end - 1) - lines.start(first);
  const size = whole <= MOST ? whole : whole / Math.ceil(whole / JOINED);
  let from = first;
  let inCode = false;
  let beganInCode = false;
  for (let line = first; line < end; line++) {
    if (isFence(lines.line(line, 200))) inCode = !inCode;
    const characters = lines.end(line) - lines.start(from);
    if (line + 1 < end && characters < size) continue;
    const own = sentencePieces(lines, from, line, titles);
    passages.push(...(beganInCode ? own.map((piece) => ({ ...piece, beginsInCode: true as const })) : own));
    from = line + 1;
    beganInCode = inCode;
  }
  return passages;
}

function sentencePieces(lines: LineTable, first: number, last: number, titles: readonly string[]): ProsePassage[] {
  const start = lines.start(first);
  const end = lines.end(last);
  const place = { startLine: first + 1, endLine: last + 1, titles };
  if (end - start <= 2 * MOST) return [{ ...place, start, end }];
  const found: ProsePassage[] = [];
  let from = start;
  while (end - from > MOST) {
    const text = lines.text.slice(from, from + MOST);
    const sentence = Math.max(text.lastIndexOf('. '), text.lastIndexOf('。'), text.lastIndexOf('; '));
    const to = from + (sentence > MOST / 3 ? sentence + 1 : MOST);
    found.push({
      ...place,
      startLine: lines.lineAt(from) + 1,
      endLine: lines.lineAt(to - 1) + 1,
      start: from,
      end: to,
    });
    from = to;
  }
  found.push({ ...place, startLine: lines.lineAt(from) + 1, start: from, end });
  return found;
}
