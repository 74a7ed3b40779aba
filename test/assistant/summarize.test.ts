import { describe, expect, test } from 'vitest';
import { summarize } from '../../src/assistant/summarize';
import { splitLines } from '../../src/base/lines';
import type { SummaryPart } from '../../src/protocol';
import { MemoryLibrary } from './memory-library';

function flat(parts: readonly SummaryPart[]): SummaryPart[] {
  return parts.flatMap((part) => [part, ...flat(part.children)]);
}

/**
 * Checks that parts are inside their parent and in order, and that only a few non-blank lines are in no part.
 */
function expectNested(parts: readonly SummaryPart[], first: number, last: number): void {
  let next = first;
  for (const part of parts) {
    expect(part.startLine).toBeGreaterThanOrEqual(next);
    expect(part.endLine).toBeLessThanOrEqual(last);
    expect(part.line.trim()).not.toBe('');
    expect(part.line).not.toContain('\n');
    expectNested(part.children, part.startLine, part.endLine);
    next = part.endLine + 1;
  }
}

describe('code', () => {
  const text = `"""Retries requests that fail.

More words.
"""
import time
import random
from . import errors


class Retry:
    """How often and how long to wait."""

    limit = 3

    def wait(self, attempt):
        """Sleeps with exponential back-off. Jitter is added."""
        time.sleep(2 ** attempt)

    def undocumented(self, error): return isinstance(error, errors.Transient)


def retry(call, policy):
    for attempt in range(policy.limit):
        yield call()
`;

  test('each definition has a line: its comment, else its declaration', async () => {
    const summary = await summarize('/w/retry.py', { library: new MemoryLibrary({ 'retry.py': text }) });
    expectNested(summary.parts, 1, summary.lines);
    const parts = flat(summary.parts);
    expect(parts.map(({ title }) => title)).toEqual(expect.arrayContaining(['Retry', 'wait', 'undocumented', 'retry']));
    expect(parts.find(({ title }) => title === 'wait')?.line).toBe('Sleeps with exponential back-off.');
    expect(parts.find(({ title }) => title === 'retry')?.line).toContain('def retry(call, policy)');
    expect(summary.parts.find(({ title }) => title === 'Retry')?.children.map(({ title }) => title)).toContain('wait');
    expect(summary.overview).toMatch(
      /^Retries requests that fail\. retry\.py has \d+ lines of Python; it defines 1 class, /,
    );
    expect(summary.author).toEqual({ kind: 'extractive' });
  });

  test('the outline of five thousand lines has every function, in order', async () => {
    const long = Array.from(
      { length: 625 },
      (_, index) =>
        `def step_${index}(value):\n    """Step ${index} of many."""\n    if value:\n        return value + ${index}\n    value = value or 1\n    return value\n\n`,
    ).join('\n');
    const fractions: number[] = [];
    const summary = await summarize('/w/long.py', {
      library: new MemoryLibrary({ 'long.py': long }),
      progress: (fraction) => fractions.push(fraction),
    });
    expect(summary.lines).toBe(splitLines(long).length);
    expect(summary.lines).toBeGreaterThan(4_990);
    expect(
      flat(summary.parts)
        .filter(({ kind }) => kind === 'function')
        .map(({ title }) => title),
    ).toEqual(Array.from({ length: 625 }, (_, index) => `step_${index}`));
    expectNested(summary.parts, 1, summary.lines);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });
});

test('prose is outlined by its nested sections', async () => {
  const text =
    '# Guide\n\nHow to use it. At length.\n\n## Install\n\nRun the `installer`. Then wait.\n\n### Windows\n\n- Double-click it.\n\n## Use\n\n```sh\nrun it\n```\n\nType a question.\n';
  const summary = await summarize('/w/guide.md', { library: new MemoryLibrary({ 'guide.md': text }) });
  const lines = Object.fromEntries(flat(summary.parts).map(({ title, line }) => [title, line]));
  expect(lines).toMatchObject({
    Guide: 'How to use it.',
    Install: 'Run the `installer`.',
    Windows: 'Double-click it.',
    Use: 'Type a question.',
  });
  expect(summary.parts).toHaveLength(1);
  expect(summary.parts[0]?.children.map(({ title }) => title)).toEqual(['Install', 'Use']);
  expect(summary.overview).toContain('How to use it.');
});

test('a text without definitions is described by all its segments', async () => {
  const text = Array.from({ length: 300 }, (_, index) => (index % 20 === 19 ? '' : `step ${index} of the log`)).join(
    '\n',
  );
  const summary = await summarize('/w/log.txt', { library: new MemoryLibrary({ 'log.txt': text }) });
  expect(summary.parts.length).toBeGreaterThan(0);
  const covered = new Set(
    flat(summary.parts).flatMap(({ startLine, endLine }) =>
      Array.from({ length: endLine - startLine + 1 }, (_, index) => startLine + index),
    ),
  );
  splitLines(text).forEach((line, index) => {
    if (line !== '') expect(covered.has(index + 1)).toBe(true);
  });
});

test.each([
  ['', 'empty.py'],
  ['\n\n', 'blank.md'],
  ['x', 'x.txt'],
])('the text %j has a summary', async (text, path) => {
  const summary = await summarize(`/w/${path}`, { library: new MemoryLibrary({ [path]: text }) });
  expect(summary.overview).toContain(path);
});

test('a title underlined with tildes begins no fence, and an overlined title is not its own text', async () => {
  const text =
    '==========\n The Guide\n==========\n\nHow it is set up.\n\n``timezone``\n~~~~~~~~~~~~\n\nThe zone of the clock.\n\n``codes``\n~~~~~~~~~\n\n.. code-block:: python\n\n    x = 1\n';
  const summary = await summarize('/w/guide.rst', { library: new MemoryLibrary({ 'guide.rst': text }) });
  const lines = flat(summary.parts).map(({ line }) => line);
  expect(lines).toContain('How it is set up.');
  expect(lines).toContain('The zone of the clock.');
  expect(lines).not.toContain('An empty section.');
  expect(summary.overview).toMatch(/^\*\*The Guide\.\*\* How it is set up\./);
});

test('the overview has the display name of the language, and says that an empty file is empty', async () => {
  const overview = async (path: string, text: string) =>
    (await summarize(`/w/${path}`, { library: new MemoryLibrary({ [path]: text }) })).overview;
  expect(await overview('a.ts', 'export const a = 1;\n')).toContain('1 line of TypeScript');
  expect(await overview('a.py', 'a = 1\n')).toContain('1 line of Python');
  expect(await overview('a.py', '')).toBe('a.py is empty.');
  expect(await overview('a.txt', 'words\n')).not.toContain('0 sections');
});

test('the overview lists the parts of a module that is the whole file, and skips comments for tools', async () => {
  const method = (name: string) => `    def ${name}\n${'      step\n'.repeat(24)}    end\n`;
  const text = `# frozen_string_literal: true\n\nmodule Post\n  class Office\n${['collect', 'sort', 'deliver'].map(method).join('\n')}  end\nend\n`;
  const { overview } = await summarize('/w/office.rb', { library: new MemoryLibrary({ 'office.rb': text }) });
  expect(overview).toMatch(/^office\.rb has/);
  expect(overview).toContain('collect (lines');
});

test('imports are described by the first one, below a licence and in a list', async () => {
  const go = `// Copyright. All rights reserved.\n// Licensed.\n\npackage post\n\nimport (\n\t"context"\n\t"fmt"\n\n\tlog "example.org/log"\n)\n\nfunc Send() {\n\tfmt.Println()\n}\n`;
  const { parts } = await summarize('/w/post.go', { library: new MemoryLibrary({ 'post.go': go }) });
  expect(parts[0]).toMatchObject({ kind: 'imports', line: '3 imports: "context" …' });
});

test('CommonJS requires are one part of imports, not constants', async () => {
  const names = Array.from({ length: 80 }, (_, i) => `  aLongName${i}`).join(',\n');
  const text = `'use strict'\n\nconst fs = require('fs')\nconst { join } = require('path')\nconst {\n${names}\n} = require('./names')\n\nconst LIMIT = 5\n\nfunction read () {\n  return fs\n}\n`;
  const { parts, overview } = await summarize('/w/post.js', { library: new MemoryLibrary({ 'post.js': text }) });
  expect(parts.map(({ kind, title, startLine }) => [kind, title, startLine])).toEqual([
    ['imports', 'Imports', 1],
    ['constant', 'LIMIT', 88],
    ['function', 'read', 90],
  ]);
  expect(parts[0]?.line).toBe("3 imports: const fs = require('fs') …");
  expect(overview).toContain('it defines 1 function and 1 constant.');
  expect(overview).toContain('It imports fs, path and ./names.');
});

test('the sections of a long document are listed, without their Markdown', async () => {
  const overview = async (text: string) =>
    (await summarize('/w/guide.md', { library: new MemoryLibrary({ 'guide.md': text }) })).overview;
  const guide =
    '# The Guide() {\n\n## [Types](#types)\n\nWords.\n\n## `const` and *let*\n\nWords.\n\n### Inner\n\nWords.\n\n# };\n';
  expect(await overview(guide)).toContain('in 5 sections: Types and const and let.');
});

test('a first line without words is not a comment', async () => {
  const { overview } = await summarize('/w/spec.txt', {
    library: new MemoryLibrary({ 'spec.txt': '---\n___\n.\n\nFoo bar.\n' }),
  });
  expect(overview).toMatch(/^Foo bar\. spec\.txt has 5 lines/);
});

test('a missing file throws an error with a hint', async () => {
  await expect(summarize('/w/none.py', { library: new MemoryLibrary({}) })).rejects.toMatchObject({
    code: 'fileNotFound',
    hint: expect.any(String) as string,
  });
});

test('the overview of a long document has a fact of each main section, with its lines', async () => {
  const filler = 'The clerks sort the post in the morning, and carriers take it to the houses. ';
  const text = [
    '# Post office',
    'The office serves the town.',
    '## Letters',
    `It is old. Letters must be fetched within 30 days by the people of the town. ${filler}`,
    '## Parcels',
    `See the chapter on letters. Parcels may weigh at most 20 kg, because the carriers walk. ${filler}`,
    '',
  ].join('\n\n');
  const { overview } = await summarize('/w/guide.md', { library: new MemoryLibrary({ 'guide.md': text }) });
  expect(overview).toContain('- Letters: Letters must be fetched within 30 days by the people of the town. (line 7)');
  expect(overview).toContain('- Parcels: Parcels may weigh at most 20 kg, because the carriers walk. (line 11)');
  expect(overview).not.toContain('See the chapter');
});
