import type { Document, SegmentedDocument } from '../../workspace';
import type { SegmentCoder } from './encoding';
import type { MemoryStore } from '../store/memory-store';
import { foldRows, joinBytes, joinFine, type MemoryRatios } from '../rows';
import { unitsOf, type MemoryUnit } from './encoding-units';

export interface CompressOptions {
  store: MemoryStore;
  coder: SegmentCoder;
  ratios: MemoryRatios;
  bytesPerRow: number;
  /** The file's rows are made coarser until they are no more than this. */
  mostRows: number;
  progress?: ((share: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** A whole document as rows; none of its text is left out but white space. */
export interface CompressedDocument {
  tokens: number;
  rows: Uint8Array;
  rowCount: number;
  segments: number;
  /** Segments whose memories were in the store. */
  fromStore: number;
}

/** Characters read at once. */
const BATCH_CHARACTERS = 12_000;

/**
 * Reads a document of any length: run by run, each compressed before the next (UIO-LLMs, §3), so that what is held at
 * any moment is one run and the rows of those before it. A line too long for one unit is several; all of them are read.
 */
export async function compressDocument(
  document: Document,
  segmented: SegmentedDocument,
  options: CompressOptions,
): Promise<CompressedDocument> {
  const { coder, store, progress, signal } = options;
  const units = unitsOf(document, segmented, coder.version);
  const known = new Set(units.filter(({ key }) => store.has(key)).map(({ key }) => key));
  const made = new Map<string, Rows>();
  const signalled = signal ?? new AbortController().signal;
  for (let at = 0; at < units.length;) {
    signalled.throwIfAborted();
    const batch: MemoryUnit[] = [];
    let characters = 0;
    for (; at < units.length && characters < BATCH_CHARACTERS; at++) {
      const unit = units[at] as MemoryUnit;
      if (made.has(unit.key) || batch.some(({ key }) => key === unit.key)) continue;
      const stored = known.has(unit.key) ? await storedRows(unit.key, store) : undefined;
      if (stored) made.set(unit.key, stored);
      else {
        known.delete(unit.key);
        batch.push(unit);
        characters += unit.end - unit.start;
      }
    }
    await encode(batch, document.text, made, options, signalled);
    progress?.(at / units.length);
  }
  const rows = units.map(({ key }) => made.get(key) as Rows);
  const joined = coarsest(rows, options);
  return {
    tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0),
    rows: joined,
    rowCount: joined.byteLength / options.bytesPerRow,
    segments: units.length,
    fromStore: units.filter(({ key }) => known.has(key)).length,
  };
}

interface Rows {
  tokens: number;
  coarse: Uint8Array;
  rest: Uint8Array;
}

async function storedRows(key: string, store: MemoryStore): Promise<Rows | undefined> {
  const tokens = store.describe(key)?.tokens;
  const [coarse, rest] = [await store.coarse(key), await store.fine(key)];
  return tokens !== undefined && coarse && rest ? { tokens, coarse, rest } : undefined;
}

async function encode(
  batch: readonly MemoryUnit[],
  text: string,
  made: Map<string, Rows>,
  { coder, store }: CompressOptions,
  signal: AbortSignal,
): Promise<void> {
  if (batch.length === 0) return;
  const memories = await coder.encode(
    batch.map(({ start, end }) => text.slice(start, end)),
    signal,
  );
  if (memories.length !== batch.length)
    throw new Error(`the model made memories of ${memories.length} texts, not of ${batch.length}`);
  for (const [i, { key }] of batch.entries()) {
    const { tokens, coarseRows, restRows, bytesPerRow, vector, ids, coarse, rest } = memories[
      i
    ] as (typeof memories)[number];
    made.set(key, { tokens, coarse, rest });
    // Where another process writes the store it is used and not kept.
    await store.put(
      key,
      tokens,
      { coarse: coarseRows, fine: restRows, bytesPerRow },
      { vector, ids, coarse, fine: rest },
    );
  }
}

/**
 * Fine rows while they are few enough, else coarse ones, else neighbours folded into one, as few together as there need
 * be.
 */
function coarsest(units: readonly Rows[], { bytesPerRow, ratios, mostRows }: CompressOptions): Uint8Array {
  const most = mostRows * bytesPerRow;
  const fine = units.reduce((sum, { coarse, rest }) => sum + coarse.byteLength + rest.byteLength, 0);
  if (fine <= most)
    return joinBytes(units.map(({ coarse, rest, tokens }) => joinFine(coarse, rest, tokens, bytesPerRow, ratios)));
  const coarse = joinBytes(units.map((unit) => unit.coarse));
  if (coarse.byteLength <= most) return coarse;
  const together = Math.ceil(coarse.byteLength / most) * bytesPerRow;
  const folds: Uint8Array[] = [];
  for (let at = 0; at < coarse.byteLength; at += together)
    folds.push(foldRows(coarse.subarray(at, at + together), bytesPerRow));
  return joinBytes(folds);
}
