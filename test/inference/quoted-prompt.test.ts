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
  more: { signal?: AbortSignal; onRead?: (read: number, total: number) => void } = {},
): Promise<Written> =>
  model.write([{ role: 'user', content }], { maxNewTokens: 24, onText: () => {}, quotes, ...more });

test('behind the head of the prompt a spliced text says what reading it says', async () => {
  const content = `ab${POOL}\nWhere is it taken?`;
  const afresh = await write(content, []);
  const spliced = await write(content, [POOL]);
  expect(afresh.quotes).toBe(undefined);
  expect(spliced).toMatchObject({
    text: afresh.text,
    promptTokens: afresh.promptTokens,
    quotes: { origins: ['computed'], cache: { misses: 2 } },
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
    quotes: { origins: ['memory', 'memory'], cache: { misses: 0, evictions: 0 } },
  });
  const other = await write(`Quotes:\n[1] a.py\n${POOL}\n\nQuestion: another?`, [POOL]);
  expect(other.quotes?.origins).toEqual(['memory']);
  expect(other.timing.read).toBeGreaterThan(0);
});

test('what is short or is not there is read in place', async () => {
  const { quotes } = await write(`Quotes:\n}\n${POOL}\n\nQuestion: ${CLOSE}`, [
    '}',
    'def other(self): return something_else()',
    POOL,
  ]);
  expect(quotes?.origins).toEqual(['read', 'read', 'computed']);
  expect((await write('Quotes: none', [POOL])).quotes).toBe(undefined);
});

test('progress counts the tokens that must be read; kept rows need no reading', async () => {
  const fresh = 'def reap(self): return [self.drop(each) for each in self.free]';
  const content = `Quotes:\n[1] b.py\n${fresh}\n\nQuestion: which?`;
  const progress = async (): Promise<[number, number][]> => {
    const seen: [number, number][] = [];
    await write(content, [fresh], { onRead: (read, total) => seen.push([read, total]) });
    return seen;
  };
  const cold = await progress();
  const total = cold[0]?.[1] ?? 0;
  expect(cold.at(-1)).toEqual([total, total]);
  expect(cold.map(([read]) => read)).toEqual(cold.map(([read]) => read).sort((a, b) => a - b));
  const warm = await progress();
  expect(warm.at(-1)?.[1]).toBeLessThan(total - fresh.length / 2);
});

test('rows that were read ahead are ready, and the answer is that of a cold question', async () => {
  const ahead = 'def ahead(self, url): return self.sockets[url].connect(timeout=3)';
  const chat = (question: string) => [{ role: 'user' as const, content: `Quotes:\n${ahead}\n\n${question}` }];
  expect((await model.readiness(chat('a'), [ahead, POOL])).held).toEqual([false, false]);
  await model.readAhead(chat('a'), [ahead]);
  const { held, tokensPerSecond } = await model.readiness(chat('b'), [ahead]);
  expect(held).toEqual([true]);
  expect(tokensPerSecond).toBeGreaterThan(0);
  const warm = await model.write(chat('b'), { maxNewTokens: 24, onText: () => {}, quotes: [ahead] });
  expect(warm.quotes?.origins).toEqual(['memory']);
  await model.forget();
  const cold = await model.write(chat('b'), { maxNewTokens: 24, onText: () => {}, quotes: [ahead] });
  expect(cold).toMatchObject({ text: warm.text, quotes: { origins: ['computed'] } });
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
