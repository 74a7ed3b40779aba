import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explain } from '../../src/assistant/explain';
import { ExplanationCache } from '../../src/assistant/explanation/explanation-cache';
import { hover, wordAt } from '../../src/assistant/hover';
import type { Explanation } from '../../src/protocol';
import { MemoryLibrary } from './memory-library';

const POOL = `import time


class Pool:
    """Keeps connections open."""

    def take(self, host):
        """Takes a connection for a host.

        A new one is made when none is free.
        """
        if not self.free(host):
            raise PoolError(host)
        return connect(host)

    def free(self, host):
        return self.idle.get(host)


def connect(host):
    """Connects to a host."""
    return time.time()
`;
const CLIENT =
  'from pool import Pool\n\ndef fetch(url):\n    connection = Pool().take(url.host)\n    return connection\n';

let directory: string;
let library: MemoryLibrary;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-explanations-'));
  library = new MemoryLibrary({ 'pool.py': POOL, 'client.py': CLIENT });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('explain', () => {
  const request = { file: '/w/pool.py', startLine: 7, endLine: 7 };

  test('a method: its kind, comment, results, errors, calls and uses', async () => {
    const { title, markdown, citations, startLine, endLine, author } = await explain(request, { library });
    expect({ title, startLine, endLine }).toEqual({ title: 'Pool.take', startLine: 7, endLine: 14 });
    expect(markdown).toContain('`Pool.take` is a method of `Pool` in `pool.py`, 8 lines long [1].');
    expect(markdown).toContain('> Takes a connection for a host.');
    expect(markdown).toContain('It returns `connect(host)`. [1]');
    expect(markdown).toContain('It raises `PoolError`. [1]');
    expect(markdown).toMatch(/It calls:\n\n- `Pool\.free`.*\n- `connect` in `pool.py`: “Connects to a host\.” \[3\]/);
    expect(markdown).toContain('`client.py`: `connection = Pool().take(url.host)`');
    expect(citations.map(({ number }) => number)).toEqual(citations.map((_, index) => index + 1));
    expect(author).toEqual({ kind: 'extractive' });
  });

  test('callers use a function; comments, manuals and other things of its name do not', async () => {
    const files = {
      'a-manual.rst': 'Use\n===\n\nThen run it. To run more, run it twice.\n',
      'b.py': '# run is best left alone\nhandler = run\n',
      'c.py': 'from d import run\n\ndef main():\n    run(1)\n',
      'd.py': 'def run(count):\n    return count\n',
    };
    const { markdown } = await explain(
      { file: '/w/d.py', startLine: 1, endLine: 1 },
      { library: new MemoryLibrary(files) },
    );
    expect(markdown).toContain('`run` is used in:\n\n- `c.py`: `run(1)`');
    for (const other of ['`handler = run`', 'run is best left alone', 'Then run it'])
      expect(markdown).not.toContain(other);
    expect(markdown).not.toContain('`b.py` in `b.py`');
  });

  test('the definition of an inner function is not a call', async () => {
    const text =
      'def wrap(task):\n    def run_once(count):\n        return count_up(count)\n    task.run = run_once\n\n\ndef count_up(count):\n    return count + 1\n';
    const { markdown } = await explain(
      { file: '/w/wrap.py', startLine: 1, endLine: 1 },
      { library: new MemoryLibrary({ 'wrap.py': text }) },
    );
    expect(markdown).toContain('- `count_up` in `wrap.py` (by a function defined inside)');
    expect(markdown).not.toMatch(/calls:\n\n(?:- .*\n)*- `wrap\.run_once`/);
  });

  test('a call made by a function and by its inner function belongs to the function', async () => {
    const text =
      'def wrap(task):\n    def run_once(count):\n        return count_up(count)\n    task.run = run_once\n    return count_up(1)\n\n\ndef count_up(count):\n    return count + 1\n';
    const { markdown } = await explain(
      { file: '/w/wrap.py', startLine: 1, endLine: 1 },
      { library: new MemoryLibrary({ 'wrap.py': text }) },
    );
    expect(markdown).toMatch(/- `count_up` in `wrap\.py` \[\d\]/);
  });

  test('a class lists its members, and lines inside a body are explained as lines', async () => {
    expect((await explain({ file: '/w/pool.py', startLine: 4, endLine: 4 }, { library })).markdown).toContain(
      'It has 2 members',
    );
    expect(await explain({ file: '/w/pool.py', startLine: 12, endLine: 13 }, { library })).toMatchObject({
      startLine: 12,
      endLine: 13,
      title: 'Pool.take, lines 12–13',
    });
  });

  test.each([
    [0, 0],
    [-5, 1_000],
    [900, 901],
    [3, 1],
  ])('lines %i to %i are kept inside the file', async (startLine, endLine) => {
    const explained = await explain({ file: '/w/pool.py', startLine, endLine }, { library });
    expect(explained.startLine).toBeGreaterThanOrEqual(1);
    expect(explained.endLine).toBeLessThanOrEqual(22);
  });

  test('an explanation is cached by content: found after lines moved, recomputed after an edit or on request', async () => {
    const cache = new ExplanationCache(directory);
    const first = await explain(request, { library, cache });
    expect(first.cached).toBe(false);
    expect((await explain(request, { library, cache })).cached).toBe(true);
    expect((await explain({ ...request, fresh: true }, { library, cache })).cached).toBe(false);

    library.files.set('/w/pool.py', `# a comment\n${POOL}`);
    const moved = await explain({ ...request, startLine: 8, endLine: 8 }, { library, cache });
    expect(moved).toMatchObject({ cached: true, startLine: 8, endLine: 15 });
    expect(moved.citations[0]).toMatchObject({ startLine: 8, endLine: 15 });

    library.files.set('/w/pool.py', POOL.replace('connect(host)', 'connect(host, 1)'));
    expect((await explain(request, { library, cache })).cached).toBe(false);
  });
});

describe('the explanation cache', () => {
  const explanation: Explanation = {
    file: '/w/a',
    path: 'a',
    startLine: 1,
    endLine: 1,
    title: 't',
    markdown: 'm',
    citations: [],
    author: { kind: 'extractive' },
    cached: false,
  };
  const key = ExplanationCache.key('text', 'label', { kind: 'extractive' });
  const entry = () =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.json')) as string;

  test('another text, label or author has another key', () => {
    const keys = [
      key,
      ExplanationCache.key('text!', 'label', { kind: 'extractive' }),
      ExplanationCache.key('text', 'other', { kind: 'extractive' }),
      ExplanationCache.key('text', 'label', { kind: 'chosen', model: 'm' }),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  test('an entry cut at any byte, or with a changed byte, is ignored', async () => {
    const cache = new ExplanationCache(directory);
    await cache.set(key, explanation);
    const whole = readFileSync(join(directory, entry()));
    const file = join(directory, entry());
    for (let cut = 0; cut < whole.length; cut++) {
      writeFileSync(file, whole.subarray(0, cut));
      expect(await cache.get(key)).toBeUndefined();
    }
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(file, damaged);
      expect(await cache.get(key)).toBeUndefined();
    }
    await cache.set(key, explanation);
    expect(await cache.get(key)).toEqual({ ...explanation, cached: true });
  });

  test('an unwritable directory is reported once, and no request fails', async () => {
    const blocked = join(directory, 'file');
    writeFileSync(blocked, '');
    const warnings: string[] = [];
    const cache = new ExplanationCache(join(blocked, 'below'), { warn: (message) => warnings.push(message) });
    await cache.set(key, explanation);
    expect(await cache.get(key)).toBeUndefined();
    expect(warnings[0]).toMatch(/could not be cached/);
  });

  test('the cache stays within its budget and keeps the most recently used entries', async () => {
    const cache = new ExplanationCache(directory, { budgetBytes: 20_000 });
    for (let index = 0; index < 129; index++)
      await cache.set(ExplanationCache.key(`text ${index}`, '', { kind: 'extractive' }), {
        ...explanation,
        markdown: 'x'.repeat(500),
      });
    const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    expect(entries.length).toBeLessThan(60);
    expect(await cache.get(ExplanationCache.key('text 128', '', { kind: 'extractive' }))).toBeDefined();
  });

  test('clear returns the freed bytes', async () => {
    const cache = new ExplanationCache(directory);
    await cache.set(key, explanation);
    expect(await cache.clear()).toBeGreaterThan(100);
    expect(await cache.get(key)).toBeUndefined();
  });
});

describe('hover', () => {
  test('the hover of a use shows the definition, its comment and the other uses', async () => {
    const character = (CLIENT.split('\n')[3] ?? '').indexOf('take') + 1;
    const info = await hover({ file: '/w/client.py', line: 4, character }, { library });
    expect(info).toMatchObject({ name: 'Pool.take', kind: 'method', definedAt: { path: 'pool.py', startLine: 7 } });
    expect(info?.doc).toContain('Takes a connection');
    expect(info?.usedBy.map(({ span }) => span.path)).toEqual(['client.py']);
  });

  test('uses in code come first, then tests; text uses nothing', async () => {
    library = new MemoryLibrary({
      'CHANGES.md': '# 1.0\n\ntake() is new\n',
      'docs/pool.md': '# Pool\n\ntake()\n',
      'test/pool_test.py': 'pool = Pool()\npool.take(1)\n',
      'client.py': CLIENT,
      'pool.py': POOL,
    });
    const info = await hover({ file: '/w/pool.py', line: 7, character: 9 }, { library });
    expect(info?.usedBy.map(({ span }) => span.path)).toEqual(['client.py', 'test/pool_test.py']);
  });

  test('an imported name is not a method of the same name', async () => {
    const text =
      "const clone = require('lodash/clone');\n\nclass Builder {\n  clone() {\n    return clone(this);\n  }\n}\n";
    library = new MemoryLibrary({ 'builder.js': text, 'use.js': 'const b = make();\nb.clone();\n' });
    const at = async (file: string, line: number, character: number) =>
      (await hover({ file: `/w/${file}`, line, character }, { library }))?.name;
    expect(await at('builder.js', 1, 7)).toBeUndefined();
    expect(await at('builder.js', 5, 12)).toBeUndefined();
    expect(await at('builder.js', 4, 3)).toBe('Builder.clone');
    expect(await at('use.js', 2, 3)).toBe('Builder.clone');
  });

  test('a cached explanation is shown', async () => {
    const cache = new ExplanationCache(directory);
    const { markdown } = await explain({ file: '/w/pool.py', startLine: 7, endLine: 7 }, { library, cache });
    expect((await hover({ file: '/w/pool.py', line: 7, character: 9 }, { library, cache }))?.explanation).toBe(
      markdown,
    );
  });

  test.each([
    [1, 0],
    [3, 0],
    [500, 3],
    [4, 500],
  ])('there is no hover at %i:%i, without a name', async (line, character) => {
    expect(await hover({ file: '/w/client.py', line, character }, { library })).toBeNull();
  });

  test('the receiver and the name are separated', () => {
    expect(wordAt('  self.take(host)', 9)).toEqual({ name: 'take', receiver: 'self' });
    expect(wordAt('a + b', 1)).toEqual({ name: 'a', receiver: undefined });
    expect(wordAt('a  +', 2)).toBeUndefined();
    expect(wordAt('  @io.wakeup! if empty?', 9, 'ruby')).toEqual({ name: 'wakeup!', receiver: 'io' });
    expect(wordAt('  a!=b', 2, 'ruby')?.name).toBe('a');
    expect(wordAt('  ready ? go! : x', 11, 'typescript')?.name).toBe('go');
  });
});
