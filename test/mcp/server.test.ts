import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBundles, writeFiles } from '../worker/harness';
import { makePdf } from '../workspace/sources/documents/make-documents';
import { call, connected, endWorkers } from './served';

const SECRET = 'tangerine-umbrella-4711';

let bundles: string;
let directory: string;
let workspace: string;
let client: Client;
beforeAll(async () => {
  bundles = buildBundles('worker,cli,mcp');
  directory = mkdtempSync(join(tmpdir(), 'anchorage-mcp-'));
  workspace = join(directory, 'project');
  writeFiles(directory, { 'outside.py': `TOKEN = "${SECRET}"\n` });
  writeFiles(workspace, {
    'src/pool.py':
      'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        """Takes a connection for a host."""\n        return self.free.pop(host)\n\n    def give_back(self, host, connection):\n        """Gives a connection back to the pool of a host."""\n        self.free[host] = connection\n',
    'src/lender.py':
      'class Lender:\n    def borrow(self, host):\n        """Takes a connection of a host out of the pool."""\n        return self.open.pop(host)\n',
    'docs/guide.md': '# Guide\n\n## Limits\n\nA pool keeps at most ten connections.\n',
    '.gitignore': '*.log\n',
    'a.log': `${SECRET}\n`,
    '.env': `TOKEN=${SECRET}\n`,
  });
  const pages = ['The pump is sealed with grease.', 'The valve opens at four bar.'];
  writeFileSync(join(workspace, 'manual.pdf'), makePdf(pages.map((text) => [{ text, y: 700 }])));
  symlinkSync(join(directory, 'outside.py'), join(workspace, 'src', 'link.py'));
  symlinkSync(directory, join(workspace, 'up'));
  symlinkSync(join(workspace, '.env'), join(workspace, 'settings.txt'));
  client = await connected({ bundles, cache: join(directory, 'cache'), argv: ['--workspace', workspace] });
});
afterAll(async () => {
  await client?.close();
  endWorkers(bundles);
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

interface Found {
  results: { path: string; startLine: number; endLine: number; text: string; uri: string }[];
}
interface Answered {
  answer: string;
  citations: { number: number; path: string; startLine: number; endLine: number; text: string }[];
}

const linesOf = (path: string, first: number, last: number): string =>
  readFileSync(join(workspace, path), 'utf8')
    .split('\n')
    .slice(first - 1, last)
    .join('\n');

describe('tools', () => {
  test('are listed with descriptions and schemas', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(
      ['ask', 'explain', 'find_related', 'read_span', 'search', 'summarize', 'why_not_indexed'].sort(),
    );
    for (const { description, outputSchema, annotations } of tools) {
      expect(description?.length).toBeGreaterThan(80);
      expect(outputSchema?.type).toBe('object');
      expect(annotations?.readOnlyHint).toBe(true);
    }
  });

  test('search returns spans with the lines of the files', async () => {
    const { data, text } = await call<Found>(client, 'search', { query: 'take a connection for a host', limit: 5 });
    expect(data.results[0]?.path).toBe('src/pool.py');
    expect(text).toContain('src/pool.py:');
    for (const { path, startLine, endLine, text: found } of data.results)
      expect(found).toBe(linesOf(path, startLine, endLine));
  });

  test('search keeps to a folder', async () => {
    const { data } = await call<Found>(client, 'search', { query: 'connections of a pool', folder: 'docs' });
    expect(new Set(data.results.map(({ path }) => path))).toEqual(new Set(['docs/guide.md']));
  });

  test('ask answers with citations that the files bear out', async () => {
    const { data } = await call<Answered>(client, 'ask', { question: 'Which method takes a connection for a host?' });
    expect(data.answer).toContain('[1]');
    expect(data.citations[0]?.path).toBe('src/pool.py');
    for (const { path, startLine, endLine, text } of data.citations)
      expect(text).toBe(linesOf(path, startLine, endLine));
  });

  test('read_span reads lines and refuses those that are not there', async () => {
    const { data } = await call<{ text: string; lines: number }>(client, 'read_span', {
      path: 'docs/guide.md',
      startLine: 3,
      endLine: 900,
    });
    expect(data).toMatchObject({ text: linesOf('docs/guide.md', 3, 5), endLine: 5 });
    const beyond = await call(client, 'read_span', { path: 'docs/guide.md', startLine: 50, endLine: 60 });
    expect(beyond).toMatchObject({ failed: true, text: expect.stringContaining('5 lines') });
  });

  test('read_span and resources read the text of a PDF, with its pages', async () => {
    const { data } = await call<Found>(client, 'search', { query: 'At which pressure does the valve open?' });
    const found = data.results.find(({ path }) => path === 'manual.pdf');
    expect(found?.text).toContain('The valve opens at four bar.');
    const span = { path: 'manual.pdf', startLine: found?.startLine, endLine: found?.endLine };
    const read = await call<{ text: string; place: unknown }>(client, 'read_span', span);
    expect(read).toMatchObject({ failed: false, data: { text: found?.text } });
    expect(JSON.stringify(read.data.place)).toContain('page 2');
    const whole = await client.readResource({ uri: 'anchorage://document/manual.pdf' });
    expect(JSON.stringify(whole.contents)).toContain('sealed with grease');
    const lines = await client.readResource({ uri: found?.uri ?? '' });
    expect(JSON.stringify(lines.contents)).toContain('four bar');
  });

  test('explain takes a name or a line', async () => {
    const named = await call<{ path: string; startLine: number }>(client, 'explain', { definition: 'Pool.take' });
    expect(named.data).toMatchObject({ path: 'src/pool.py', startLine: 4 });
    const placed = await call<{ title: string }>(client, 'explain', { definition: 'src/lender.py:2' });
    expect(placed.data.title).toContain('borrow');
    expect((await call(client, 'explain', { definition: 'nowhere' })).failed).toBe(true);
  });

  test('summarize outlines a file', async () => {
    const { data } = await call<{ parts: { title: string }[] }>(client, 'summarize', { path: 'src/pool.py' });
    expect(data.parts.map(({ title }) => title)).toContain('Pool');
  });

  test('find_related finds what resembles lines, and not the lines', async () => {
    const { data } = await call<Found>(client, 'find_related', { path: 'src/pool.py', startLine: 4, endLine: 6 });
    expect(data.results[0]?.path).toBe('src/lender.py');
    for (const { path, startLine, endLine } of data.results)
      expect(path === 'src/pool.py' && startLine <= 6 && endLine >= 4).toBe(false);
  });

  test('wrong input is an error the agent can read', async () => {
    expect((await call(client, 'search', { query: ' ' })).text).toContain('must not be empty');
    expect((await call(client, 'search', { query: 'x', limit: 1000 })).failed).toBe(true);
    expect((await call(client, 'read_span', { path: 'src/pool.py' })).failed).toBe(true);
  });
});

describe('the gate', () => {
  const refused = [
    'a.log',
    '.env',
    'settings.txt',
    'src/link.py',
    'up/outside.py',
    'up/project/a.log',
    '../outside.py',
    'src/../../outside.py',
    'missing.py',
    'src',
    'bad\0name',
  ];

  test.each(refused)('refuses %j in every tool and resource', async (path) => {
    const span = { path, startLine: 1, endLine: 5 };
    const results = [
      await call(client, 'read_span', span),
      await call(client, 'summarize', { path }),
      await call(client, 'explain', { definition: `${span.path}:${span.startLine}` }),
      await call(client, 'find_related', span),
    ];
    for (const { failed, text } of results) {
      expect(failed).toBe(true);
      expect(text).not.toContain(SECRET);
    }
    const uri = `anchorage://document/${encodeURIComponent(path)}`;
    await expect(client.readResource({ uri })).rejects.toThrow();
    await expect(client.readResource({ uri: uri.replace('document', 'span/1-9') })).rejects.toThrow();
  });

  test('names the files of that name in place of a missing one', async () => {
    for (const tool of ['summarize', 'why_not_indexed']) {
      const guessed = await call(client, tool, { path: 'lib/pool.py' });
      expect(guessed.failed).toBe(true);
      expect(guessed.text).toBe('There is no file lib/pool.py in the workspace. Files of that name: src/pool.py.');
    }
    const unknown = await call(client, 'summarize', { path: 'lib/nothing.py' });
    expect(unknown.text).toContain('Use search to find the file.');
    // A secret file of that name is not named.
    expect((await call(client, 'summarize', { path: 'lib/outside.py' })).text).not.toContain('Files of that name');
  });

  test('refuses absolute paths outside', async () => {
    const span = { path: join(directory, 'outside.py'), startLine: 1, endLine: 5 };
    expect((await call(client, 'read_span', span)).failed).toBe(true);
    expect((await call(client, 'ask', { question: 'What is the token?', in: span.path })).failed).toBe(true);
    expect((await call(client, 'search', { query: 'token', folder: '..' })).failed).toBe(true);
    expect((await call(client, 'search', { query: 'token', folder: 'up' })).failed).toBe(true);
  });

  test('search and ask return nothing of hidden files', async () => {
    for (const [name, values] of [
      ['search', { query: `TOKEN ${SECRET}`, limit: 30 }],
      ['ask', { question: `Where is TOKEN ${SECRET}?` }],
    ] as const) {
      const { data } = await call<Record<string, unknown>>(client, name, values);
      const places = JSON.stringify(data['results'] ?? data['citations']);
      expect(places).not.toContain(SECRET);
      expect(places).not.toMatch(/a\.log|\.env|link\.py|outside/);
    }
  });

  test('why_not_indexed names the rule', async () => {
    const { data, text } = await call<{ rule?: { line: number } }>(client, 'why_not_indexed', { path: 'a.log' });
    expect(data).toMatchObject({ indexed: false, rule: { line: 1, pattern: '*.log' } });
    expect(text).toContain('.gitignore line 1');
    expect((await call(client, 'why_not_indexed', { path: '../outside.py' })).text).toContain('outside');
  });

  test('follows changes: new text is found, newly ignored text is gone', async () => {
    writeFileSync(join(workspace, 'src', 'fresh.py'), 'def marmalade():\n    """Spreads marmalade."""\n');
    const found = await call<Found>(client, 'search', { query: 'marmalade' });
    expect(found.data.results[0]?.path).toBe('src/fresh.py');
    writeFileSync(join(workspace, '.gitignore'), '*.log\nfresh.py\n');
    const gone = await call<Found>(client, 'search', { query: 'marmalade' });
    expect(gone.data.results.map(({ path }) => path)).not.toContain('src/fresh.py');
    expect((await call(client, 'read_span', { path: 'src/fresh.py', startLine: 1, endLine: 2 })).failed).toBe(true);
  });
});

describe('resources', () => {
  test('documents are listed and read', async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ name }) => name)).toContain('docs/guide.md');
    const uri = resources.find(({ name }) => name === 'docs/guide.md')?.uri ?? '';
    const { contents } = await client.readResource({ uri });
    expect(contents[0]).toMatchObject({ text: readFileSync(join(workspace, 'docs/guide.md'), 'utf8') });
  });

  test('the address of a result gives its lines', async () => {
    const { data } = await call<Found>(client, 'search', { query: 'take a connection' });
    const { contents } = await client.readResource({ uri: data.results[0]?.uri ?? '' });
    expect(contents[0]).toMatchObject({ text: data.results[0]?.text });
  });
});
