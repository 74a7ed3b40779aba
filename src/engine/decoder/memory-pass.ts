import type { ort } from '../onnxruntime';
import { HIDDEN } from '../attention/policy';
import type { KvRows } from '../kv-cache/kv-rows';
import type { MemoryTokenSet } from './memory-weights';
import { cacheData, float32, type Runtime } from './runtime';
import type { SegmentInput } from './segment-encoder';
import type { PastRows, SegmentRows } from './segment-rows';
import type { MemoryTokenStart } from './memory-token-start';

/** Memory tokens of one set, and the parts that run them. */
export interface Slots {
  set: MemoryTokenSet;
  start: MemoryTokenStart;
  runtime: Runtime;
  rows: SegmentRows;
  hiddenSize: number;
}

/** The set of memory tokens that a segment asks for; undefined for none. */
export const memoryTokenSetOf = ({ slotTokens, slotSet = 'memory' }: SegmentInput): MemoryTokenSet | undefined =>
  slotTokens === undefined ? undefined : slotSet;

/**
 * The memory pass (UIO-LLMs, 2406.18173, §3): M rows over the finished rows of their segment. Memory token j sees the
 * prefix, the first (j + 1)·ratio tokens (in place: all of these except the last) and itself. Its position follows
 * them. The segment's own rows never see a memory token.
 *
 * @param made keys (rotated) and values of the segments' rows, [B, L, K, steps, D]
 * @returns for each segment that asks for this set ⌈tokens / slotTokens⌉ rows at positions 0, 1, …
 */
export async function runMemoryPass(
  { set, start, runtime, rows, hiddenSize }: Slots,
  members: readonly SegmentInput[],
  steps: number,
  made: PastRows,
): Promise<(KvRows | undefined)[]> {
  const { prefixRows } = rows;
  const shares = members.map((segment) =>
    memoryTokenSetOf(segment) === set ? coverage(segment.tokens.length, segment.slotTokens as number) : [],
  );
  const cover = shares.map((ends) => ends.map((end) => (start.inPlace ? end - 1 : end)));
  const slots = Math.max(...cover.map((own) => own.length));
  const batch = members.length;
  const feeds = rows.feeds(batch, slots, rows.behindPrefix(made, batch, steps), prefixRows + steps, cover);
  const embeds = new Float32Array(batch * slots * hiddenSize);
  shares.forEach((own, b) =>
    start.write((members[b] as SegmentInput).tokens, own, embeds.subarray(b * slots * hiddenSize)),
  );
  feeds['embeds'] = float32(embeds, [batch, slots, hiddenSize]);
  const width = prefixRows + steps + slots;
  const bias = new Float32Array(batch * slots * width).fill(HIDDEN);
  for (let b = 0; b < batch; b++) {
    for (let j = 0; j < slots; j++) {
      const at = (b * slots + j) * width;
      bias.fill(0, at, at + prefixRows + (cover[b]?.[j] ?? 0));
      bias[at + prefixRows + steps + j] = 0;
    }
  }
  feeds['bias'] = float32(bias, [batch, 1, slots, width]);
  const left = await runtime.run({ phase: 'prefill', visibility: 'batched', slots: set }, feeds, [
    'raw_keys',
    'values',
  ]);
  const keys = cacheData(left['raw_keys'] as ort.Tensor);
  const values = cacheData(left['values'] as ort.Tensor);
  return members.map((segment, b) => {
    const own = shares[b]?.map((_, j) => j) ?? [];
    return own.length === 0 ? undefined : rows.pick(keys, values, slots, b, own, segment.tokens.length);
  });
}

/** Tokens that each memory token sees: ratio, 2·ratio, …, all. */
function coverage(tokens: number, ratio: number): number[] {
  return Array.from({ length: Math.ceil(tokens / ratio) }, (_, j) => Math.min((j + 1) * ratio, tokens));
}
