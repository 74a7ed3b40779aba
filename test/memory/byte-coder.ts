import { createHash } from 'node:crypto';
import { type SegmentCoder, rowCounts, memoryVersion } from '../../src/memory';
import type { SegmentMemory, MemoryRatios } from '../../src/protocol/memory';

export const RATIOS: MemoryRatios = { segmentTokens: 64, coarseTokens: 64, fineTokens: 16 };
export const BYTES_PER_ROW = 32;
const PASSAGES = 12;

/** Returns bytes that depend on the text, so that a test can check which text was read. */
function bytesOf(text: string, salt: string, length: number): Uint8Array {
  const made: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) made.push(createHash('sha256').update(`${salt}${i}\0${text}`).digest());
  return Buffer.concat(made).subarray(0, length);
}

export function memoryOf(text: string): SegmentMemory {
  const tokens = Math.ceil(text.length / 4);
  const { coarse, fine } = rowCounts(tokens, RATIOS);
  return {
    tokens,
    coarseRows: coarse,
    restRows: fine - coarse,
    bytesPerRow: BYTES_PER_ROW,
    ids: bytesOf(text, 'i', 2 * tokens),
    passages: bytesOf(text, 'p', PASSAGES),
    coarse: bytesOf(text, 'c', coarse * BYTES_PER_ROW),
    rest: bytesOf(text, 'r', (fine - coarse) * BYTES_PER_ROW),
  };
}

/** Makes bytes from text in place of a model's rows. Tests check that the bytes arrive, not what they mean. */
export class ByteCoder implements SegmentCoder {
  readonly version = memoryVersion('bytes');
  readonly encoded: string[] = [];
  failing: Error | undefined;

  constructor(private readonly delay = 0) {}

  async encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]> {
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    signal.throwIfAborted();
    if (this.failing) throw this.failing;
    this.encoded.push(...texts);
    return texts.map(memoryOf);
  }
}
