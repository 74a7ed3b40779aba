import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IgnoreFile } from '../../../src/workspace/sources/ignore-file';
import { globMatcher } from '../../../src/workspace/sources/glob';
import { languageOf } from '../../../src/workspace/languages';
import { readDocument, readDocumentNow } from '../../../src/workspace/sources/read';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'anchorage-read-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function read(bytes: Uint8Array | string, name = 'a.ts'): Promise<{ text: string; replaced: boolean }> {
  writeFileSync(join(root, name), bytes);
  const { document, replaced } = await readDocument(join(root, name), name);
  return { text: document.text, replaced };
}

describe('reading', () => {
  it('decodes UTF-8 with and without a byte order mark, and UTF-16 with one', async () => {
    expect(await read('héllo 😀')).toEqual({ text: 'héllo 😀', replaced: false });
    expect(await read('\uFEFFhéllo')).toEqual({ text: 'héllo', replaced: false });
    expect(await read(Buffer.from('\uFEFFhéllo 😀', 'utf16le'))).toEqual({ text: 'héllo 😀', replaced: false });
    expect(await read(Buffer.from('\uFEFFhéllo', 'utf16le').swap16())).toEqual({ text: 'héllo', replaced: false });
    expect(await read('')).toEqual({ text: '', replaced: false });
  });

  it('replaces bytes that are not UTF-8, and reports it', async () => {
    expect(await read(Buffer.from('caf\xe9 au lait', 'latin1'))).toEqual({ text: 'café au lait', replaced: false });
    expect(await read(Buffer.concat([Buffer.from('naïve Größe für alle'), Buffer.from([0xe9])]))).toEqual({
      text: 'naïve Größe für alle\uFFFD',
      replaced: true,
    });
  });

  it('reports why a file gives no text', async () => {
    await expect(read('a\0b')).rejects.toMatchObject({ code: 'binary' });
    await expect(read(Buffer.from(Array.from({ length: 600 }, (_, i) => 0x80 + (i % 0x40))))).rejects.toMatchObject({
      code: 'binary',
    });
    await expect(readDocument(join(root, 'gone.ts'), 'gone.ts')).rejects.toMatchObject({ code: 'missing' });
    await expect(readDocument(root, 'x')).rejects.toMatchObject({ code: 'directory' });
    await expect(readDocument(join(root, 'x'.repeat(300)), 'x')).rejects.toMatchObject({ code: 'failed' });
    writeFileSync(join(root, 'big.ts'), 'x'.repeat(100));
    await expect(readDocument(join(root, 'big.ts'), 'big.ts', 99)).rejects.toMatchObject({ code: 'tooLarge' });
  });
});

describe('languages', () => {
  it.each([
    ['a/b.ts', '', 'typescript'],
    ['x.tsx', '', 'typescriptreact'],
    ['x.mjs', '', 'javascript'],
    ['Makefile', '', 'makefile'],
    ['Dockerfile.dev', '', 'dockerfile'],
    ['a.h', 'int f(void);', 'c'],
    ['a.h', '#include <vector>\n', 'cpp'],
    ['a.h', '@interface A\n@end', 'objective-c'],
    ['run', '#!/usr/bin/env python3\n', 'python'],
    ['run', '#!/bin/sh\n', 'shellscript'],
    ['run', '#!/usr/bin/env -S deno run\n', 'typescript'],
    ['README', '', 'plaintext'],
    ['x.unknownext', '', 'plaintext'],
    ['tsconfig.json', '', 'jsonc'],
    ['constructor', '', 'plaintext'],
    ['a.constructor', '', 'plaintext'],
  ])('%s (%j) is detected as %s', (path, head, language) => expect(languageOf(path, head)).toBe(language));
});

describe('globs', () => {
  it.each([
    ['**/node_modules', 'a/node_modules', true],
    ['**/node_modules', 'node_modules', true],
    ['**/*.js', 'a/b.js', true],
    ['*.js', 'a/b.js', false],
    ['a/**', 'a/b/c', true],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/x/y/c', true],
    ['{a,b}/*.{ts,js}', 'b/x.js', true],
    ['[!a]b', 'ab', false],
    ['[!a]b', 'cb', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a.b', 'axb', false],
    ['x(1)+y', 'x(1)+y', true],
    ['**/é😀', 'a/é😀', true],
    ['{a,{b,c}}', 'c', true],
  ])('%s on %s', (glob, path, matches) => expect(globMatcher(glob, false)(path)).toBe(matches));
});

describe('patterns of an ignore file', () => {
  // Each verdict is that of `git check-ignore`; test/campaigns/ignore-rules.ts compares 100,000 more.
  it.each([
    ['?', 'é', false],
    ['??', 'é', true],
    ['[!a]', 'é', false],
    ['[b-a]', 'b', true],
    ['[x/a]', 'a', true],
    ['[x/a]', 'x', true],
    ['d**/*', 'd/e', true],
    ['d/e**/[a-c]', 'd/e/a', true],
    ['a**/*', 'a', true],
    ['*a**/b', 'a/c/b', false],
  ])('%s on %s', (pattern, path, ignored) =>
    expect(new IgnoreFile('.gitignore', pattern, false).test(path)?.ignored ?? false).toBe(ignored),
  );
});

describe('hostile patterns', () => {
  const name = 'a'.repeat(255);

  it.each([
    '*a*a*a*a*a*a*a*a*a*b',
    '**/*a*a*a*a*a*b',
    `${'**/'.repeat(200)}b`,
    '{a,aa,aaa}'.repeat(300),
    '{'.repeat(4_000),
  ])('end immediately: %s', (glob) => {
    const matches = globMatcher(glob, false);
    expect(matches(`${`${name}/`.repeat(15)}${name}`)).toBe(false);
    const file = new IgnoreFile('.gitignore', `${glob}\n!${glob}`, false);
    expect(file.test(name)).toBeUndefined();
  });
});

describe('special files', () => {
  const special = mkdtempSync(join(tmpdir(), 'anchorage-special-'));
  afterAll(() => rmSync(special, { recursive: true, force: true }));

  it.skipIf(process.platform === 'win32')(
    'are refused immediately: a pipe without a writer, an endless device, a socket',
    async () => {
      const pipe = join(special, 'pipe.ts');
      execFileSync('mkfifo', [pipe]);
      await expect(readDocument(pipe, 'pipe.ts')).rejects.toMatchObject({ code: 'special' });
      expect(() => readDocumentNow(pipe, 'pipe.ts')).toThrow(expect.objectContaining({ code: 'special' }));
      symlinkSync('/dev/zero', join(special, 'zero.ts'));
      await expect(readDocument(join(special, 'zero.ts'), 'zero.ts')).rejects.toMatchObject({ code: 'special' });
      const server = createServer().listen(join(special, 'socket.ts'));
      await once(server, 'listening');
      await expect(readDocument(join(special, 'socket.ts'), 'socket.ts')).rejects.toMatchObject({ code: 'special' });
      server.close();
    },
  );

  it.skipIf(process.platform !== 'linux')('with size 0 and content are read up to the limit', async () => {
    expect((await readDocument('/proc/self/status', 'status.txt')).document.text).toContain('Name:');
    await expect(readDocument('/proc/self/status', 'status.txt', 100)).rejects.toMatchObject({ code: 'tooLarge' });
  });
});
