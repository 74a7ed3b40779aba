/** Questions and hovers about files that are too large for the index. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../../src/app';
import { splitLines } from '../../src/base/lines';
import type { AnswerEvent } from '../../src/protocol';
import { SETTINGS } from '../worker/harness';

let directory: string;
let session: Session;
const LINES = 40_000;
const NEEDLE = 'The retention period of the purple walrus archive is 37 days.';
const AT = 31_234;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-long-ask-'));
  const workspace = join(directory, 'w');
  mkdirSync(workspace);
  const prose = Array.from(
    { length: LINES },
    (_, i) => `Line ${i + 1} says that the ships of harbour ${i % 50} leave.\n`,
  );
  prose[AT - 1] = `\n## Archive\n\n${NEEDLE}\n\n`.replace(/\n$/, '');
  writeFileSync(join(workspace, 'long.md'), prose.join(''));
  const code = Array.from(
    { length: LINES },
    (_, i) => `def part_${i}(host):\n    """Takes part ${i}."""\n    return host\n\n\n`,
  );
  code[30_000] =
    'def walrus_retention():\n    """The purple walrus archive is kept for 37 days."""\n    return 37\n\n\n';
  writeFileSync(join(workspace, 'long.py'), `${code.join('')}${'# more\n'.repeat(1_100_000)}`);
  writeFileSync(join(workspace, 'ignored.log'), 'the purple walrus\n'.repeat(100_000));
  writeFileSync(join(workspace, '.gitignore'), '*.log\n');
  writeFileSync(join(workspace, 'used.py'), 'def take_from(host):\n    """Takes from a host."""\n    return host\n');
  session = await Session.open({
    folders: [{ name: 'w', directory: workspace }],
    storageDirectory: join(directory, 'storage'),
    modelsDirectory: join(directory, 'models'),
    settings: SETTINGS,
    inferenceFile: join(directory, 'none.js'),
    encodeInBackground: false,
    log: () => {},
    warn: () => {},
  });
  await session.index();
});
afterAll(async () => {
  await session.close();
  rmSync(directory, { recursive: true, force: true });
});

const fileOf = (name: string): string => join(directory, 'w', name);

async function asked(name: string, question: string) {
  const events: AnswerEvent[] = [];
  const answer = await session.answering.ask(
    { id: 'a', question, scope: { kind: 'file', file: fileOf(name) } },
    { emit: (event) => events.push(event) },
  );
  return { answer, events };
}

describe('a question about a file that is too large for the index', () => {
  test('is answered from the right lines, with the file and its line numbers', async () => {
    const { answer, events } = await asked('long.md', 'How long is the retention period of the purple walrus archive?');
    expect(answer.markdown).toContain(NEEDLE);
    const lines = splitLines(readFileSync(fileOf('long.md'), 'utf8'));
    expect(answer.citations.length).toBeGreaterThan(0);
    for (const { file, path, startLine, endLine, text } of answer.citations) {
      expect({ file, path }).toEqual({ file: fileOf('long.md'), path: 'long.md' });
      expect(lines.slice(startLine - 1, endLine).join('\n')).toBe(text);
    }
    expect(answer.notices[0]).toContain('too much for the index');
    expect(JSON.stringify([answer, events])).not.toContain('part-of-a-long-file');
    const located = await session.answering.locate(answer.citations[0] as (typeof answer.citations)[0]);
    expect(located.state).toBe('same');
  });

  test('prints lines of the file in its text', async () => {
    const { answer } = await asked('long.py', 'Where is `walrus_retention` defined?');
    const line =
      splitLines(readFileSync(fileOf('long.py'), 'utf8')).findIndex((each) => each.includes('walrus_ret')) + 1;
    expect(answer.markdown).toContain(`long.py:${line}`);
    const located = await session.answering.locate(answer.citations[0] as (typeof answer.citations)[0]);
    expect(located.state).toBe('same');
  });

  test('finds a word anywhere in a file of one line', async () => {
    const item = (i: number): string => `{"id":${i},"name":"item ${i}"}`;
    const items = Array.from({ length: 90_000 }, (_, i) => (i === 50_000 ? '{"walrus":"purple"}' : item(i)));
    writeFileSync(fileOf('one.json'), `[${items.join(',')}]`);
    const { spans } = await session.answering.search('purple walrus', {
      scope: { kind: 'file', file: fileOf('one.json') },
      limit: 3,
    });
    expect(spans[0]).toMatchObject({ path: 'one.json', startLine: 1, endLine: 1 });
    expect(spans.some(({ text }) => text.includes('walrus'))).toBe(true);
  });

  test('finds nothing where nothing is', async () => {
    const { answer } = await asked('long.md', 'Which giraffe encrypts the backups?');
    expect(answer.markdown).toMatch(/^(No good match|Nothing)/);
  });

  test('ranks its lines for search', async () => {
    const { spans } = await session.answering.search('purple walrus archive', {
      scope: { kind: 'file', file: fileOf('long.md') },
      limit: 5,
    });
    expect(spans[0]?.text).toContain(NEEDLE);
    expect(spans[0]?.path).toBe('long.md');
  });

  test('reads no file that a rule excludes', async () => {
    const { answer } = await asked('ignored.log', 'What is purple?');
    expect(JSON.stringify(answer)).not.toContain('the purple walrus');
  });
});

describe('other requests about a file of many megabytes', () => {
  test('a hover reads the line it is about', async () => {
    const file = fileOf('long.py');
    const lines = splitLines(readFileSync(file, 'utf8'));
    writeFileSync(file, [...lines, 'take_from(1)', ''].join('\n'));
    const info = await session.answering.hover({ file, line: lines.length + 1, character: 2 });
    expect(info).toMatchObject({ name: 'take_from', doc: 'Takes from a host.' });
    expect(await session.answering.hover({ file, line: lines.length + 100, character: 2 })).toBeNull();
  });

  test('an explanation is of the definition on that line, with lines of the file', async () => {
    const file = fileOf('long.py');
    const line = splitLines(readFileSync(file, 'utf8')).findIndex((each) => each.includes('def walrus_ret')) + 1;
    const explanation = await session.answering.explain({ file, startLine: line, endLine: line });
    expect(explanation).toMatchObject({ file, path: 'long.py', startLine: line });
    expect(explanation.markdown).toContain('`walrus_retention` is a function');
    expect(explanation.markdown).toContain('The purple walrus archive is kept for 37 days.');
    expect(explanation.citations[0]).toMatchObject({ file, startLine: line });
    const located = await session.answering.locate(explanation.citations[0] as (typeof explanation.citations)[0]);
    expect(located.state).toBe('same');
  });

  test('an explanation beyond the end of the file names the limit', async () => {
    const lines = { startLine: 9_000_000, endLine: 9_000_000 };
    await expect(session.answering.explain({ file: fileOf('long.py'), ...lines })).rejects.toMatchObject({
      code: 'fileUnreadable',
    });
  });
});
