import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LexicalIndex } from '../../../src/workspace/lexical/lexical-index';
import { chooseMerge } from '../../../src/workspace/lexical/merge-policy';
import type { FieldWeights } from '../../../src/workspace/lexical/types';
import { makeDocument } from './fixture';

const WEIGHTS: FieldWeights = { k1: 1.2, b: 0.75, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 3 };
const OPTIONS = { documents: WEIGHTS, segments: WEIGHTS, limit: 1000, segmentsPerDocument: 100 };
const WORDS = [
  'alpha',
  'beta',
  'gammaDelta',
  'def epsilon',
  'zeta_eta',
  'größe',
  '検索語',
  'HTTPServer',
  'theta',
  'iota',
];

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'anchorage-lexical-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function open(at = directory): Promise<LexicalIndex> {
  const { index, damaged } = await LexicalIndex.open(at);
  expect(damaged).toEqual([]);
  return index;
}

function add(index: LexicalIndex, path: string, text: string): void {
  const { document, segmented } = makeDocument(path, text);
  index.add(path, document, segmented);
}

/** Every answer of an index, in an order independent of the distribution of documents over packs. */
function answers(index: LexicalIndex): unknown {
  return ['alpha', 'beta', 'gamma', 'gammadelta', '=epsilon', 'größe', '検索', 'http', 'py', 'missing'].map((term) => {
    const { documents, documentIdf } = index.search([{ term, weight: 1 }], OPTIONS);
    const hits = documents.map((hit) => ({
      ...hit,
      score: hit.score.toFixed(4),
      segments: hit.segments.map((s) => ({ ...s, score: s.score.toFixed(4) })).sort((a, b) => a.ordinal - b.ordinal),
    }));
    return { term, documentIdf, hits: hits.sort((a, b) => (a.path < b.path ? -1 : 1)) };
  });
}

const textOf = (seed: number): string =>
  Array.from({ length: 3 + (seed % 9) }, (_, i) => WORDS[(seed * 7 + i * 3) % WORDS.length]).join('\n');

describe('store', () => {
  it('gives the same answers from memory, from packs, after reopening and after merging', async () => {
    const memory = LexicalIndex.inMemory();
    const index = await open();
    for (let i = 0; i < 40; i++) {
      add(memory, `f${i}.py`, textOf(i));
      add(index, `f${i}.py`, textOf(i));
      if (i % 8 === 7) await index.flush();
    }
    for (const i of [3, 4, 17]) {
      memory.remove(`f${i}.py`);
      index.remove(`f${i}.py`);
    }
    add(memory, 'f5.py', 'alpha changed');
    add(index, 'f5.py', 'alpha changed');
    const expected = answers(memory);
    expect(answers(index)).toEqual(expected);
    await index.flush();
    expect(answers(index)).toEqual(expected);
    await index.close();

    const reopened = await open();
    expect(answers(reopened)).toEqual(expected);
    expect(reopened.status().documents).toBe(37);
    const before = reopened.status().packs;
    while (await reopened.merge());
    expect(reopened.status().packs).toBeLessThan(before);
    expect(answers(reopened)).toEqual(expected);
    expect(readdirSync(directory).filter((name) => name.endsWith('.pack'))).toHaveLength(reopened.status().packs);
    await reopened.close();
    const again = await open();
    expect(answers(again)).toEqual(expected);
    await again.close();
  });

  it('knows which texts it has indexed', async () => {
    const index = await open();
    const { document, segmented } = makeDocument('a.py', 'alpha');
    index.add('a.py', document, segmented);
    await index.flush();
    await index.close();
    const reopened = await open();
    expect(reopened.has('a.py', document.hash)).toBe(true);
    expect(reopened.has('a.py', 'other')).toBe(false);
    expect(reopened.ids()).toEqual(['a.py']);
    expect(reopened.status()).toMatchObject({ documents: 1, segments: 1 });
    await reopened.close();
  });

  it('accepts changes while a flush or merge is running', async () => {
    const memory = LexicalIndex.inMemory();
    const index = await open();
    for (let i = 0; i < 30; i++) for (const target of [memory, index]) add(target, `f${i}.py`, textOf(i));
    const flushing = index.flush();
    for (const target of [memory, index]) {
      target.remove('f0.py');
      add(target, 'f1.py', 'beta anew');
      add(target, 'new.py', 'alpha');
    }
    expect(answers(index)).toEqual(answers(memory));
    await flushing;
    expect(answers(index)).toEqual(answers(memory));
    for (let n = 0; n < 4; n++) {
      for (const target of [memory, index]) add(target, `g${n}.py`, textOf(n));
      await index.flush();
    }
    const merging = index.merge();
    for (const target of [memory, index]) target.remove('g2.py');
    expect(await merging).toBe(true);
    expect(answers(index)).toEqual(answers(memory));
    await index.flush();
    await index.close();
    const reopened = await open();
    expect(answers(reopened)).toEqual(answers(memory));
    await reopened.close();
  });

  it('is intact after a kill between any two writes: leftovers are deleted, unflushed documents are missing', async () => {
    const index = await open();
    add(index, 'a.py', 'alpha');
    await index.flush();
    add(index, 'b.py', 'beta');
    await index.close();
    copyFileSync(join(directory, 'lexical-1.pack'), join(directory, 'lexical-7.pack'));
    writeFileSync(join(directory, 'lexical-8.pack.tmp'), 'half');
    const reopened = await open();
    expect(reopened.ids()).toEqual(['a.py']);
    expect(readdirSync(directory).sort()).toEqual(['lexical-1.pack', 'lexical.manifest']);
    await reopened.close();
  });

  it('reports a pack truncated or altered at any byte, keeps the others and continues', async () => {
    const index = await open();
    add(index, 'a.py', textOf(1));
    await index.flush();
    add(index, 'b.py', textOf(2));
    await index.flush();
    await index.close();
    const size = statSync(join(directory, 'lexical-2.pack')).size;
    const copy = join(directory, 'copy');
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.boolean(), async (at, truncate) => {
        rmSync(copy, { recursive: true, force: true });
        mkdirSync(copy);
        for (const name of ['lexical-1.pack', 'lexical-2.pack', 'lexical.manifest'])
          copyFileSync(join(directory, name), join(copy, name));
        const pack = join(copy, 'lexical-2.pack');
        if (truncate) truncateSync(pack, at);
        else {
          const bytes = readFileSync(pack);
          bytes[at] = (bytes[at] as number) ^ 0x55;
          writeFileSync(pack, bytes);
        }
        const opened = await LexicalIndex.open(copy);
        expect(opened.damaged).toHaveLength(1);
        expect(opened.damaged[0]?.file).toBe(pack);
        expect(opened.index.ids()).toEqual(['a.py']);
        add(opened.index, 'b.py', textOf(2));
        await opened.index.flush();
        await opened.index.close();
        const again = await open(copy);
        expect(again.status().documents).toBe(2);
        await again.close();
      }),
      { numRuns: 60 },
    );
  });

  it('starts empty when the manifest is damaged, and reports it', async () => {
    const index = await open();
    add(index, 'a.py', 'alpha');
    await index.flush();
    await index.close();
    const manifest = join(directory, 'lexical.manifest');
    const whole = readFileSync(manifest);
    // Zeros are what a crash leaves; the checksum of four of them is right.
    const zeros = [1, 4, 5, whole.length].map((length) => new Uint8Array(length));
    for (const damaged of [...whole.keys()]
      .map((at) => whole.subarray(0, at))
      .concat(zeros.map((z) => Buffer.from(z)))) {
      writeFileSync(manifest, damaged);
      const opened = await LexicalIndex.open(directory);
      expect(opened.damaged.map(({ file }) => file)).toEqual([manifest]);
      await opened.index.close();
    }
  });

  it('loses nothing when the store cannot be written, and writes it later', async () => {
    const index = await open();
    add(index, 'a.py', 'alpha');
    // A directory in the place of the pack's temporary file makes opening fail.
    mkdirSync(join(directory, 'lexical-1.pack.tmp'));
    await expect(index.flush()).rejects.toMatchObject({ code: 'lexicalWriteFailed' });
    expect(index.search([{ term: 'alpha', weight: 1 }], OPTIONS).documents).toHaveLength(1);
    add(index, 'b.py', 'beta');
    await index.flush();
    await index.close();
    rmSync(join(directory, 'lexical-1.pack.tmp'), { recursive: true, force: true });
    const reopened = await open();
    expect(reopened.ids().sort()).toEqual(['a.py', 'b.py']);
    await reopened.close();
  });

  it('keeps everything when a flush is cancelled', async () => {
    const index = await open();
    for (let n = 0; n < 4; n++) {
      add(index, `g${n}.py`, textOf(n));
      await index.flush();
    }
    const before = answers(index);
    const controller = new AbortController();
    for (let i = 0; i < 3000; i++) add(index, `w${i}.py`, `word${i}`);
    const flushing = index.flush(controller.signal);
    controller.abort();
    await expect(flushing).rejects.toMatchObject({ name: 'AbortError' });
    await index.flush();
    for (let i = 0; i < 3000; i++) index.remove(`w${i}.py`);
    expect(answers(index)).toEqual(before);
    await index.close();
  });

  it('is usable after a clear', async () => {
    const index = await open();
    add(index, 'a.py', 'alpha');
    await index.flush();
    const { bytes } = index.status();
    expect(await index.clear()).toBe(bytes);
    expect(readdirSync(directory)).toEqual(['lexical.manifest']);
    add(index, 'a.py', 'alpha');
    expect(index.search([{ term: 'alpha', weight: 1 }], OPTIONS).documents).toHaveLength(1);
    await index.close();
    await expect(index.flush()).rejects.toMatchObject({ code: 'lexicalClosed' });
  });
});

describe('any sequence of changes', () => {
  it('gives the same index as adding the remaining documents to an empty one', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), file: fc.nat(9), seed: fc.nat(50) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('remove' as const), file: fc.nat(9), seed: fc.constant(0) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constantFrom('flush' as const, 'merge' as const, 'reopen' as const),
          file: fc.constant(0),
          seed: fc.constant(0),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const at = mkdtempSync(join(directory, 'run-'));
        let index = await open(at);
        const texts = new Map<string, string>();
        for (const { kind, file, seed } of steps) {
          const path = `f${file}.py`;
          if (kind === 'add') {
            add(index, path, textOf(seed));
            texts.set(path, textOf(seed));
          } else if (kind === 'remove') expect(index.remove(path)).toBe(texts.delete(path));
          else if (kind === 'flush') await index.flush();
          else if (kind === 'merge') await index.merge();
          else {
            await index.flush();
            await index.close();
            index = await open(at);
          }
        }
        const memory = LexicalIndex.inMemory();
        for (const [path, text] of texts) add(memory, path, text);
        expect(answers(index)).toEqual(answers(memory));
        await index.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('chooseMerge', () => {
  const pack = (bytes: number, live = 10): { bytes: number; documents: number; live: number } => ({
    bytes,
    documents: 10,
    live,
  });
  it('joins packs of one tier, drops empty ones, rewrites worn ones and leaves the rest', () => {
    expect(chooseMerge([])).toEqual([]);
    expect(chooseMerge([pack(3e7), pack(2e6), pack(1e5), pack(1e5)])).toEqual([]);
    expect(chooseMerge([pack(9e7), pack(1e5), pack(2e5), pack(1e5), pack(3e5)]).sort()).toEqual([1, 2, 3, 4]);
    expect(chooseMerge([pack(9e7), pack(1e5, 0)])).toEqual([1]);
    expect(chooseMerge([pack(9e7), pack(2e7, 5)])).toEqual([1]);
  });
  it('ends with few packs from any start', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1e9 }), { maxLength: 40 }), (sizes) => {
        let packs = sizes.map((bytes) => pack(bytes));
        for (let turn = 0; ; turn++) {
          expect(turn).toBeLessThan(100);
          const chosen = chooseMerge(packs);
          if (chosen.length === 0) break;
          const joined = chosen.reduce((sum, i) => sum + (packs[i] as { bytes: number }).bytes, 0);
          packs = [...packs.filter((_, i) => !chosen.includes(i)), pack(joined)];
        }
        expect(packs.length).toBeLessThanOrEqual(8);
      }),
    );
  });
});
