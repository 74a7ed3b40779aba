import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LateInteraction } from '../../../src/memory';
import { Prefilter } from '../../../src/team/packs/prefilter';
import { buildSketch, Sketch, sketchBytes, sketchQuery } from '../../../src/team/packs/sketch';
import type { TokenNeighbours } from '../../../src/protocol/memory';
import { memoryOf } from '../../memory/byte-coder';
import { MemoryObjects } from '../memory-objects';
import { TeamWorker, textsOf } from '../workers';

/** A question of tokens without neighbours. */
function question(ids: readonly number[]): TokenNeighbours {
  return {
    weights: Float32Array.from(ids, () => 1),
    lengths: Float32Array.from(ids, () => 1),
    starts: Int32Array.from({ length: ids.length + 1 }, (_, i) => i),
    ids: Uint32Array.from(ids),
    similarities: Float32Array.from(ids, () => 1),
  };
}

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-sketch-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('never scores a record below its late interaction', () => {
  const token = fc.integer({ min: 0, max: 65_535 });
  const records = fc.array(fc.array(token, { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(records, fc.uniqueArray(token, { minLength: 1, maxLength: 12 }), (texts, asked) => {
      const ids = texts.map((tokens) => Uint16Array.from(tokens));
      const bytes = buildSketch(ids);
      expect(bytes.byteLength).toBe(sketchBytes(ids.length));
      const scores = new Float32Array(32 * Math.ceil(ids.length / 32));
      const query = question(asked);
      new Sketch(bytes, ids.length).score(sketchQuery(query, 4), scores);
      const late = new LateInteraction(query, 65_536, { blockTokens: 32, sharpness: 4 });
      ids.forEach((own, i) => {
        expect((scores[i] as number) / asked.length).toBeGreaterThanOrEqual(late.score(own).segment - 1e-6);
      });
    }),
    { numRuns: 60 },
  );
});

it('finds the record that has the question’s tokens, and reads each sketch once', async () => {
  const objects = new MemoryObjects();
  const texts = textsOf(200);
  const writer = await TeamWorker.open(objects);
  await writer.push(texts);
  const reader = await TeamWorker.open(objects);
  await reader.team.refresh();
  const keys = reader.keysOf(texts);
  const filter = new Prefilter(reader.team, directory);
  await filter.bind(keys);
  expect(filter.records).toBe(200);
  const { gets } = reader.team.options.store.counts;
  for (const i of [3, 77, 150]) {
    const { ids } = memoryOf(texts[i] as string);
    const tokens = new Uint16Array(ids.buffer.slice(ids.byteOffset, ids.byteOffset + 40));
    expect(filter.best(question([...new Set(tokens)]), 4, 5)[0]).toBe(keys[i]);
  }
  expect(reader.team.options.store.counts.gets).toBe(gets);
  expect(readdirSync(directory).length).toBeGreaterThan(0);
  // The copies on this machine spare the reads, and a damaged one is read again.
  const again = new Prefilter(reader.team, directory);
  await again.bind(keys);
  expect(reader.team.options.store.counts.gets).toBe(gets);
  await writer.close();
  await reader.close();
});
