import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Search, type SentenceEncoding } from '../../../src/search';
import { Workspace } from '../../../src/workspace';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'anchorage-passages-'));
});
afterEach(() => {
  for (const directory of [root, `${root}-store`]) rmSync(directory, { recursive: true, force: true });
});

const filler = 'The clerks sort the post in the morning, and the carriers take it to the houses of the town. '.repeat(
  4,
);

async function found(question: string, files: Record<string, string>, sentences?: SentenceEncoding): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const workspace = await Workspace.open({
    folders: [{ name: 'office', directory: root }],
    storageDirectory: `${root}-store`,
    settings: { filesExclude: [], maxFileBytes: 100_000 },
    threads: 0,
  });
  try {
    await workspace.start();
    const search = new Search({ workspace, sentences: () => sentences });
    const { spans } = await search.search(question, { scope: { kind: 'workspace' }, limit: 5 });
    return spans.map(({ path, breadcrumb, text }) => `${path} ${breadcrumb.at(-1) ?? ''}: ${text.trim()}`);
  } finally {
    await workspace.close();
  }
}

describe('passages of prose', () => {
  it('are found by their own words and their titles, whatever stands around them', async () => {
    const text = `# Post office\n\n## Hours\n\n${filler}\n\n## Letters\n\n${filler}\n\nAll that nobody asks for is kept for 30 days. ${filler}\n`;
    const [first] = await found('How long are letters kept?', { 'guide.md': text });
    expect(first).toMatch(/^guide\.md Letters: All that nobody asks for is kept for 30 days\./);
  });

  it('of the present documentation come before those of a change log, unless history is asked for', async () => {
    const files = {
      'CHANGELOG.md': '# Changes\n\n## 1.2.0\n\n- Letters are kept for 20 days.\n',
      'docs/letters.md': `# Letters\n\nAll letters are kept for 30 days. ${filler}\n`,
    };
    expect((await found('How long are letters kept?', files))[0]).toMatch(/^docs\/letters\.md/);
    expect((await found('Which release says how long letters are kept?', files))[0]).toMatch(/^CHANGELOG\.md/);
  });

  it('are ranked by the sentence encoder too', async () => {
    const text = `# Rules\n\nLetters wait in the drawer until they are fetched by their owners. ${filler}\n\nLetters are burnt after a month in the drawer, which is sad. ${filler}\n`;
    const near = (word: string): SentenceEncoding => ({
      sentences: (texts) =>
        Promise.resolve(
          texts.map((each) => Float32Array.from(each.includes(word) || each.endsWith('?') ? [1, 0] : [0, 1])),
        ),
    });
    const question = 'What happens with letters in the drawer?';
    expect((await found(question, { 'a.md': text }, near('burnt')))[0]).toContain('burnt');
    expect((await found(question, { 'a.md': text }, near('fetched')))[0]).toContain('fetched');
  });

  it('are ranked by their nearest sentence, and by one with a number when a number is asked for', async () => {
    const text = `# Rules\n\n## One\n\nThe clerk keeps each letter. ${filler}\n\n## Two\n\nThe clerk keeps each letter for 30 days. ${filler}\n`;
    const asked: string[] = [];
    const sentences: SentenceEncoding = {
      sentences: (texts) => {
        asked.push(...texts);
        return Promise.resolve(texts.map(() => Float32Array.from([1, 0])));
      },
    };
    expect((await found('How long does a clerk keep each letter?', { 'a.md': text }, sentences))[0]).toContain(
      '30 days',
    );
    expect(asked).toContain('The clerk keeps each letter for 30 days.');
  });
});

describe('questions in other languages', () => {
  it('find inflected forms in prose of their language', async () => {
    const text = `# Post\n\n${'Die Boten bringen die Post am Morgen zu den Häusern der Stadt, und die Schreiber sortieren sie. '.repeat(4)}\n\nDie Warteschlangen werden alle 15 Minuten gelesen. ${'Das ist in der Stadt schon immer so gewesen und bleibt auch so. '.repeat(4)}\n`;
    expect((await found('Wie oft wird eine Warteschlange gelesen?', { 'a.md': text }))[0]).toContain('15 Minuten');
  });

  it('find Chinese passages by pairs of characters', async () => {
    const text = '# 说明\n\n## 缓存\n\n缓存的有效期是十分钟。\n\n## 登录\n\n连续三次密码错误后账户锁定一小时。\n';
    expect((await found('账户什么时候会被锁定？', { 'a.md': text }))[0]).toContain('锁定一小时');
  });
});
