import { createHash } from 'node:crypto';
import type { DenseSegment, FullSegment } from '../../protocol/memory';
import type { LateInteraction } from '../late-interaction';
import type { MemoryReader, MemorySegment } from '../memory-reader';
import { joinBytes } from '../rows';
import type { ContextInput, ContextRequest, WorkspaceMemory } from './compose';
import type { ContextParts } from './ledger';
import type { CoarseGroup, ContextPlan, SegmentPart } from './plan';

/** Whole lines of a text: character offsets [start, end) with line breaks, and 0-based first and last line. */
export interface Excerpt {
  start: number;
  end: number;
  firstLine: number;
  lastLine: number;
}

/** Safety margin when a segment is cut: token counts per line are estimated. */
const PART_FILLED = 0.9;

export interface PartSources {
  memories: MemoryReader;
  lateInteraction: LateInteraction | undefined;
  excerpt: ContextInput['excerpt'];
  indexed: WorkspaceMemory['indexed'];
}

export type PlannedParts = Pick<ContextRequest, 'coarse' | 'fine' | 'dense' | 'full'> & { parts: ContextParts };

type ReadText = (segment: MemorySegment) => Promise<string | undefined>;

/**
 * Reads the rows and texts of a plan. The result omits segments evicted since the plan was made. Segments whose file
 * has changed are listed in `gone`.
 */
export async function readParts(plan: ContextPlan, sources: PartSources): Promise<PlannedParts> {
  const { memories, excerpt, indexed } = sources;
  const textOf: ReadText = async ({ path, hash, start, end }) => {
    const document = (await indexed(path))?.document;
    return document?.hash === hash ? document.text.slice(start, end) : undefined;
  };
  const { coarse, id, rows: coarseRows } = await readCoarse(plan.coarse, memories);
  const fineRows = new FineRows(plan, memories);
  const fine: MemorySegment[] = [];
  const gone: MemorySegment[] = [];
  const inPart = plan.part && (await fineRows.add(plan.part.segment)) ? plan.part : undefined;
  const dense: ContextParts['dense'][number][] = [];
  const denseSources: DenseSegment[] = [];
  for (const each of plan.dense) {
    const source = await denseSource(each, sources, textOf);
    const rest = (!source || each.tokens < each.segment.tokens) && (await fineRows.add(each.segment));
    if (source) {
      const { lines, ...wanted } = source;
      dense.push({ segment: each.segment, key: wanted.key, rest, ...(lines ? { lines } : {}) });
      denseSources.push(wanted);
    } else (rest ? fine : gone).push(each.segment);
  }
  for (const segment of plan.fine) if (await fineRows.add(segment)) fine.push(segment);
  const part = inPart && partOf(inPart, excerpt, await textOf(inPart.segment));
  const texts: FullSegment[] = part ? [{ key: part.key, text: part.text }] : [];
  const full: MemorySegment[] = [];
  for (const segment of plan.full) {
    const text = await textOf(segment);
    if (text === undefined) {
      gone.push(segment);
      continue;
    }
    full.push(segment);
    texts.push({ key: segment.key, text });
  }
  return {
    parts: {
      coarse,
      fine: part || !inPart ? fine : [inPart.segment, ...fine],
      dense,
      full,
      gone,
      ...(part ? { part } : {}),
    },
    coarse: { id, rows: coarseRows, tokens: tokensOf(coarse.flatMap((group) => group.segments)) },
    fine: { rows: fineRows.bytes, tokens: tokensOf(fine) },
    dense: denseSources,
    full: texts,
  };
}

const tokensOf = (segments: readonly MemorySegment[]): number =>
  segments.reduce((sum, segment) => sum + segment.tokens, 0);

/** Collects the fine rows of segments in one block, into which the store reads them directly. */
class FineRows {
  private readonly block: Uint8Array;
  private length = 0;

  constructor(
    plan: ContextPlan,
    private readonly memories: MemoryReader,
  ) {
    const segments = [
      ...(plan.part ? [plan.part.segment] : []),
      ...plan.dense.map(({ segment }) => segment),
      ...plan.fine,
    ];
    const rows = segments.reduce((sum, { fineRows }) => sum + fineRows, 0);
    this.block = new Uint8Array(rows * memories.bytesPerRow);
  }

  /** Returns false when the segment's record was evicted or damaged. */
  async add(segment: MemorySegment): Promise<boolean> {
    const bytes = await this.memories.fine(segment, this.block.subarray(this.length));
    this.length += bytes;
    return bytes > 0;
  }

  get bytes(): Uint8Array {
    return this.block.subarray(0, this.length);
  }
}

/** Reads the coarse rows of all groups. The id is a hash of their content, so the engine sends equal rows once. */
async function readCoarse(
  groups: readonly CoarseGroup[],
  memories: MemoryReader,
): Promise<{ coarse: CoarseGroup[]; id: string; rows: Uint8Array }> {
  const coarse: CoarseGroup[] = [];
  const all: Uint8Array[] = [];
  const id = createHash('sha256');
  for (const group of groups) {
    const rows = group.folded
      ? await memories.folded(group.segments)
      : await memories.coarse((group.segments[0] as MemorySegment).key);
    if (!rows) continue;
    coarse.push(group);
    all.push(rows);
    for (const { key } of group.segments) id.update(key);
    id.update(group.folded ? '+' : '.');
  }
  return { coarse, id: id.digest('hex'), rows: joinBytes(all) };
}

/** Source of dense rows, with the lines it covers relative to its segment, if known. */
type DenseSource = DenseSegment & { lines?: readonly [first: number, last: number] };

/**
 * Returns the source of a segment's dense rows: its stored token ids, or else its text. For a long segment it covers
 * the best stretch.
 */
async function denseSource(
  { segment, tokens }: SegmentPart,
  { lateInteraction, excerpt, memories }: PartSources,
  textOf: ReadText,
): Promise<DenseSource | undefined> {
  const { key } = segment;
  const whole = tokens >= segment.tokens;
  const ids = await memories.tokenIds(key);
  if (ids && whole) return { key, ids };
  if (ids && lateInteraction) {
    const from = lateInteraction.bestStretch(ids, tokens);
    return { key: `${key}:${from}+${tokens}`, ids: ids.subarray(from, from + tokens), before: ids.subarray(0, from) };
  }
  const text = await textOf(segment);
  if (text === undefined || whole) return text === undefined ? undefined : { key, text };
  const part = partOf({ segment, tokens }, excerpt, text);
  return (
    part && {
      key: part.key,
      text: part.text,
      lines: [part.startLine - segment.startLine, part.endLine - segment.startLine],
    }
  );
}

/** Cuts a segment to the lines that match the question. Returns undefined when the text has changed or no line fits. */
function partOf(
  { segment, tokens }: SegmentPart,
  excerpt: ContextInput['excerpt'],
  text: string | undefined,
): (NonNullable<ContextParts['part']> & { text: string }) | undefined {
  if (text === undefined) return undefined;
  const found = excerpt(text, Math.floor((PART_FILLED * tokens * text.length) / segment.tokens));
  if (!found) return undefined;
  const { start, end, firstLine, lastLine } = found;
  return {
    segment,
    key: `${segment.key}:${start}-${end}`,
    text: text.slice(start, end),
    startLine: segment.startLine + firstLine,
    endLine: segment.startLine + lastLine,
  };
}
