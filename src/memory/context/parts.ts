/** The rows and texts that a plan needs: from the memories, and from the files as they are now. */
import { createHash } from 'node:crypto';
import type { LateInteraction } from '../late-interaction';
import type { Memories, MemorySegment } from '../memories';
import { joinBytes } from '../rows';
import { excerptOf } from '../../assistant/quote/excerpt';
import type { ContextRequest, WorkspaceMemory } from './compose';
import type { ContextParts } from './ledger';
import type { CoarseGroup, ContextPlan, SegmentPart } from './plan';

/**
 * Of a segment that stands in part, the share of its room that is used: how many tokens its lines have is known of the
 * whole only.
 */
const PART_FILLED = 0.9;

export interface PartSources {
  question: string;
  /** What finds the tokens that meet the question, where the model has vectors of tokens. */
  late: LateInteraction | undefined;
  memories: Memories;
  library: Pick<WorkspaceMemory, 'indexed'>;
}

export type PlannedParts = Pick<ContextRequest, 'coarse' | 'fine' | 'dense' | 'full'> & { parts: ContextParts };

/**
 * Reads what a plan names. Memories that were evicted since the plan was made are left out of the ledger too; texts
 * that changed are named.
 */
export async function readParts(plan: ContextPlan, sources: PartSources): Promise<PlannedParts> {
  const { question, memories, library } = sources;
  const textOf = async ({ path, hash, start, end }: MemorySegment): Promise<string | undefined> => {
    const document = (await library.indexed(path))?.document;
    return document?.hash === hash ? document.text.slice(start, end) : undefined;
  };
  const { coarse, name, rows: coarseRows } = await readCoarse(plan.coarse, memories);
  // One block for all of them: what is read from the store is put in its place there.
  const likely = [...(plan.part ? [plan.part.segment] : []), ...plan.dense.map(({ segment }) => segment), ...plan.fine];
  const fineRows = new Uint8Array(likely.reduce((rows, segment) => rows + segment.fineRows, 0) * memories.bytesPerRow);
  let fineBytes = 0;
  const withFine = async (segment: MemorySegment): Promise<boolean> => {
    const bytes = await memories.fine(segment, fineRows.subarray(fineBytes));
    fineBytes += bytes;
    return bytes > 0;
  };
  const fine: MemorySegment[] = [];
  const gone: MemorySegment[] = [];
  const dense: ContextParts['dense'][number][] = [];
  const opened: ContextRequest['dense'][number][] = [];
  const inPart = plan.part && (await withFine(plan.part.segment)) ? plan.part : undefined;
  for (const each of plan.dense) {
    const source = await denseOf(each, sources, textOf);
    const rest = (!source || each.tokens < each.segment.tokens) && (await withFine(each.segment));
    if (source) {
      const { lines, ...wanted } = source;
      dense.push({ segment: each.segment, key: wanted.key, rest, ...(lines ? { lines } : {}) });
      opened.push(wanted);
    } else (rest ? fine : gone).push(each.segment);
  }
  for (const segment of plan.fine) if (await withFine(segment)) fine.push(segment);
  const full: MemorySegment[] = [];
  const texts: { key: string; text: string }[] = [];
  const part = inPart && partOf(inPart, question, await textOf(inPart.segment));
  if (part) texts.push({ key: part.key, text: part.text });
  for (const segment of plan.full) {
    const text = await textOf(segment);
    if (text === undefined) {
      gone.push(segment);
      continue;
    }
    full.push(segment);
    texts.push({ key: segment.key, text });
  }
  const tokens = (some: readonly MemorySegment[]): number => some.reduce((sum, segment) => sum + segment.tokens, 0);
  return {
    parts: {
      coarse,
      fine: part || !inPart ? fine : [inPart.segment, ...fine],
      dense,
      full,
      gone,
      ...(part ? { part } : {}),
    },
    coarse: { id: name, rows: coarseRows, tokens: tokens(coarse.flatMap((group) => group.segments)) },
    fine: { rows: fineRows.subarray(0, fineBytes), tokens: tokens(fine) },
    dense: opened,
    full: texts,
  };
}

async function readCoarse(
  groups: readonly CoarseGroup[],
  memories: Memories,
): Promise<{ coarse: CoarseGroup[]; name: string; rows: Uint8Array }> {
  const coarse: CoarseGroup[] = [];
  const all: Uint8Array[] = [];
  const name = createHash('sha256');
  for (const group of groups) {
    const rows = group.folded
      ? await memories.folded(group.segments)
      : await memories.coarse((group.segments[0] as MemorySegment).key);
    if (!rows) continue;
    coarse.push(group);
    all.push(rows);
    for (const { key } of group.segments) name.update(key);
    name.update(group.folded ? '+' : '.');
  }
  return { coarse, name: name.digest('hex'), rows: joinBytes(all) };
}

/** What dense rows are made of; where they are made of some lines of the text, which. */
type DenseSource = ContextRequest['dense'][number] & { lines?: readonly [first: number, last: number] };

/**
 * The ids that the store keeps of a segment's tokens, or its text; of a long one the stretch that meets the question.
 */
async function denseOf(
  { segment, tokens }: SegmentPart,
  { question, late, memories }: PartSources,
  textOf: (segment: MemorySegment) => Promise<string | undefined>,
): Promise<DenseSource | undefined> {
  const { key } = segment;
  const whole = tokens >= segment.tokens;
  const ids = await memories.tokenIds(key);
  if (ids && (whole || late)) {
    const from = whole ? 0 : (late as LateInteraction).stretch(ids, tokens);
    return whole
      ? { key, ids }
      : { key: `${key}:${from}+${tokens}`, ids: ids.subarray(from, from + tokens), before: ids.subarray(0, from) };
  }
  const text = await textOf(segment);
  if (text === undefined || whole) return text === undefined ? undefined : { key, text };
  const part = partOf({ segment, tokens }, question, text);
  return (
    part && {
      key: part.key,
      text: part.text,
      lines: [part.startLine - segment.startLine, part.endLine - segment.startLine],
    }
  );
}

/**
 * The lines around the match, as many as there is room for. Undefined when the text has changed, or not even a line
 * fits.
 */
function partOf(
  { segment, tokens }: SegmentPart,
  question: string,
  text: string | undefined,
): (NonNullable<ContextParts['part']> & { text: string }) | undefined {
  const found =
    text === undefined
      ? undefined
      : excerptOf(text, question, Math.floor((PART_FILLED * tokens * text.length) / segment.tokens));
  if (text === undefined || !found) return undefined;
  const { start, end, firstLine, lastLine } = found;
  return {
    segment,
    key: `${segment.key}:${start}-${end}`,
    text: text.slice(start, end),
    startLine: segment.startLine + firstLine,
    endLine: segment.startLine + lastLine,
  };
}
