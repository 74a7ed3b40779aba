import { expect, it } from 'vitest';
import { lambda, RowKind } from '../../../src/engine';
import { bestBlocks } from '../../../src/engine/decoder/best-blocks';
import { Runtime } from '../../../src/engine/decoder/runtime';
import { Context } from '../../../src/engine/kv-cache/context';
import { generator } from '../../../src/engine/generate/sampling';
import { rotateRows, rotationTable } from '../../../src/engine/rope/frequencies';
import { Tiny } from '../tiny';

it.each(['llama2', 'qwen3'])('%s: blocks are chosen as plain arrays choose them', async (family) => {
  const { decoder, rope } = await Tiny.open(family, 8);
  const { config } = decoder;
  const { layers, kvHeads, queryHeads, headDim } = config;
  const policy = lambda({ sinks: 0, window: 4, middle: { blocks: { rows: 3, count: 2 }, tail: 4 } });
  const shape = { layers, kvHeads, headDim, type: 'float32' as const };
  const context = new Context(shape, policy, 100, rope);
  const [rows, count] = [30, 4];
  const random = generator(1);
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 4 * random() - 2);
  const size = layers * kvHeads * rows * headDim;
  const block = { keys: numbers(size), values: numbers(size), rows };
  const slots = context.middle.take(rows);
  // Slots are not in the order of the text.
  const position = (slot: number) => (slot * 7) % rows;
  for (const slot of slots)
    context.middle.describe(slot, { kind: RowKind.plain, position: position(slot), group: 0 }, 1, 0);
  context.middle.write(slots, block, slots);
  const queries = numbers(layers * queryHeads * count * headDim);

  const scores = new Map<number, number>();
  for (let layer = 0; layer < layers; layer++) {
    const largest = new Float64Array(rows);
    for (let head = 0; head < queryHeads; head++) {
      for (let token = 2; token < count; token++) {
        const at = ((layer * queryHeads + head) * count + token) * headDim;
        const query = queries.slice(at, at + headDim);
        rotateRows(query, 1, headDim, rotationTable(rope, [64]));
        const kv = layer * kvHeads + Math.floor(head / (queryHeads / kvHeads));
        const logits = slots.map((slot) => {
          const key = block.keys.subarray((kv * rows + slot) * headDim, (kv * rows + slot + 1) * headDim);
          return query.reduce((sum, x, d) => sum + x * (key[d] as number), 0) / Math.sqrt(headDim);
        });
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
        logits.forEach((logit, slot) => (largest[slot] = Math.max(largest[slot] as number, Math.exp(logit) / total)));
      }
    }
    for (let b = 0; b < rows / 3; b++) {
      const own = slots.filter((slot) => Math.floor(position(slot) / 3) === b).map((slot) => largest[slot] as number);
      scores.set(b, (scores.get(b) ?? 0) + Math.max(...own));
    }
  }
  const best = [...scores].sort(([, a], [, b]) => b - a).slice(0, 2);
  const expected = best.flatMap(([b]) => [3 * b, 3 * b + 1, 3 * b + 2]).sort((a, b) => a - b);

  const runtime = new Runtime({ config, weights: 'f32', cache: 'float32', threads: 1, kernels: false } as never);
  const chosen = await bestBlocks(
    { runtime, config, context },
    { rows: queries, count },
    policy.middle?.blocks as { rows: number; count: number },
  );
  expect(chosen).toEqual({ middle: expect.any(Array) as number[], near: [] });
  expect(chosen.middle.map(position)).toEqual(expected);
  await decoder.close();
});
