import { statSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { likelyFiles } from '../../../src/workspace/indexing/likely-files';
import { textTerms } from '../../../src/workspace/lexical/terms';
import type { WalkedFile } from '../../../src/workspace/sources/walk';
import { TestWorkspace } from '../files';

let disk: TestWorkspace;
beforeEach(() => (disk = new TestWorkspace()));
afterEach(() => disk.dispose());

function walked(files: Record<string, string | Uint8Array>): WalkedFile[] {
  return Object.entries(files).map(([path, text]) => {
    const file = disk.put(path, text);
    return { file, path, size: statSync(file).size, mtimeMs: 1 };
  });
}
const terms = (question: string) => textTerms(question).map((term) => ({ term, weight: 1 }));

test('puts files with the rare words of a question first, whatever their case and ending', async () => {
  const common = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m${i}.py`, `cookie = ${i}\n`]));
  const files = walked({
    ...common,
    'session.py': 'class SessionCookie:\n    def retryPolicies(self): ...\n',
    'other.py': 'def unrelated(): ...\n',
  });
  const { paths } = await likelyFiles(files, terms('cookie retries policy'));
  expect(paths[0]).toBe('session.py');
  expect(paths).toHaveLength(31);
  expect(paths).not.toContain('other.py');
});

test('knows words of paths, and puts tests behind', async () => {
  const files = walked({
    'test/a_test.py': 'harbor harbor\n',
    'src/harbor.py': 'pass\n',
    'src/a.py': 'harbor harbor\n',
    'src/b.py': 'x\n',
  });
  const { paths } = await likelyFiles(files, terms('harbor'));
  expect(paths.at(-1)).toBe('test/a_test.py');
  expect(paths).toContain('src/harbor.py');
});

test('finds letters beyond ASCII', async () => {
  const files = walked({ 'a.md': 'Der Zähler läuft über.\n', 'b.md': '設定の読み込み\n', 'c.md': 'nothing\n' });
  expect((await likelyFiles(files, terms('Zähler'))).paths).toEqual(['a.md']);
  expect((await likelyFiles(files, terms('設定'))).paths).toEqual(['b.md']);
});

test('a short word counts at the start of a word only', async () => {
  const files = walked({ 'a.py': 'io = 1\n', 'b.py': 'ratio = 1\n' });
  expect((await likelyFiles(files, terms('io'))).paths).toEqual(['a.py']);
});

test('looks past binary data', async () => {
  const files = walked({ 'a.bin': new Uint8Array([0, 1, ...Buffer.from('harbor harbor')]), 'b.py': 'harbor\n' });
  expect((await likelyFiles(files, terms('harbor'))).paths).toEqual(['b.py']);
});

test('a file that cannot be read holds nothing, and its path still counts', async () => {
  const gone = { file: `${disk.root}/harbor.py`, path: 'harbor.py', size: 1, mtimeMs: 1 };
  const { paths, unread } = await likelyFiles([gone], terms('harbor'));
  expect(paths).toEqual(['harbor.py']);
  expect(unread.count(['harbor'], () => false)).toEqual({ documents: 1, having: [0] });
});
