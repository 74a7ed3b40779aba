import type { Written } from '../../src/protocol';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EngineModel } from '../../src/inference/engine-model';
import { writeTinyCheckpoint } from './checkpoints';

let directory: string;
let model: EngineModel;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-quotes-'));
  writeTinyCheckpoint(join(directory, 'tiny'));
  model = await EngineModel.load({
    directory: join(directory, 'tiny'),
    compiledDirectory: join(directory, 'compiled'),
    weights: 'f32',
    threads: 1,
  });
});
afterAll(async () => {
  await model.close();
  rmSync(directory, { recursive: true, force: true });
});

const POOL = 'def take(self, host): return self.free.pop(host)';
const CLOSE = 'def close(self): self.free.clear(); self.open = False';
const write = (
  content: string,
  quotes: readonly string[],
  more: { signal?: AbortSignal; anchors?: readonly string[] } = {},
): Promise<Written> =>
  model.write([{ role: 'user', content }], { maxNewTokens: 24, onText: () => {}, quotes, ...more });

test('behind the prompt’s first rows alone a spliced text says what reading it says', async () => {
  // <s>, <|user|> and two bytes are the rows that quotes are encoded behind.
  const content = `ab${POOL}\nWhere is it taken?`;
  const afresh = await write(content, []);
  const spliced = await write(content, [POOL]);
  expect(afresh.quotes).toBe(undefined);
  expect(spliced).toMatchObject({
    text: afresh.text,
    promptTokens: afresh.promptTokens,
    quotes: { origins: ['computed'], cache: { hits: 0, misses: 1 } },
  });
  expect(spliced.text).not.toBe((await write(`ab${CLOSE}\nWhere is it taken?`, [CLOSE])).text);
});

test('what was quoted before is not read again, wherever it stands; the answer is the same', async () => {
  const content = `Quotes:\n[1] a.py\n${CLOSE}\n\n[2] b.py\n${POOL}\n\nQuestion: which?`;
  const first = await write(content, [CLOSE, POOL]);
  const again = await write(content, [CLOSE, POOL]);
  expect(again).toMatchObject({
    text: first.text,
    promptTokens: first.promptTokens,
    quotes: { origins: ['memory', 'memory'], cache: { hits: 2, misses: 0, evictions: 0 } },
  });
  const other = await write(`Quotes:\n[1] b.py\n${POOL}\n\nQuestion: another?`, [POOL]);
  expect(other.quotes?.origins).toEqual(['memory']);
  expect(other.timing.read).toBeGreaterThan(0);
});

test('what is short or is not there is read in place', async () => {
  const { quotes } = await write(`Quotes:\n}\n${POOL}\n\nQuestion: ${CLOSE}`, [
    '}',
    'def other(self): return something_else()',
    POOL,
  ]);
  expect(quotes?.origins).toEqual(['read', 'read', 'memory']);
  expect((await write('Quotes: none', [POOL])).quotes).toBe(undefined);
});

test('what there is no room to quote stands behind few rows, and changes what is written', async () => {
  const content = `Quotes:\n[1] b.py\n${POOL}\n\nQuestion: which?`;
  const [alone, held] = [await write(content, [POOL]), await write(content, [POOL], { anchors: [CLOSE, 'pass', ''] })];
  const rows = Math.ceil(CLOSE.length / 8);
  expect(held.quotes?.anchors).toEqual([
    { rows, tokens: CLOSE.length, origin: 'computed' },
    { rows: 1, tokens: 4, origin: 'computed' },
    { rows: 0, tokens: 0, origin: 'computed' },
  ]);
  expect(held.promptTokens).toBe(alone.promptTokens + rows + 1);
  expect(held.text).not.toBe(alone.text);
  // The same text as a quote has rows of its own.
  expect((await write(content, [POOL], { anchors: [CLOSE] })).quotes).toMatchObject({
    origins: ['memory'],
    anchors: [{ rows, origin: 'memory' }],
  });
});

test('anchors for which the context has no room are left out, and an answer may be a little shorter than it was to be', async () => {
  const filled = `Quotes:\n${POOL}\n`;
  const content = `${filled}${'y'.repeat(4_096 - 3 - filled.length - 20)}`;
  const { quotes, newTokens } = await write(content, [POOL], { anchors: [CLOSE] });
  expect(quotes).toMatchObject({ origins: ['memory'], anchors: [{ rows: 0 }] });
  expect(newTokens).toBeLessThanOrEqual(20);
});

test('a prompt that fills the context is read as one text', async () => {
  const filled = `Quotes:\n${POOL}\n`;
  expect((await write(`${filled}${'y'.repeat(4_096 - 3 - filled.length - 8)}`, [POOL])).quotes).toBe(undefined);
});

test('a cancel ends it with nothing written', async () => {
  const controller = new AbortController();
  controller.abort();
  expect(
    await write(`Quotes:\n${`${POOL}!`}\n\nQuestion: which?`, [`${POOL}!`], { signal: controller.signal }),
  ).toMatchObject({ stopped: 'cancelled', text: '', newTokens: 0 });
});
