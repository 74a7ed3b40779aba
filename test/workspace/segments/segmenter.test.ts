import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_SEGMENT_CHARACTERS, MAX_SEGMENT_LINES } from '../../../src/workspace/segments/limits';
import { LineTable } from '../../../src/base';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import type { SegmentedDocument } from '../../../src/workspace/types';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

const LANGUAGES = [
  'typescript',
  'typescriptreact',
  'javascript',
  'python',
  'go',
  'rust',
  'java',
  'c',
  'cpp',
  'csharp',
  'ruby',
  'php',
  'shellscript',
  'css',
  'powershell',
  'ini',
  'markdown',
  'restructuredtext',
  'plaintext',
  'json',
  'yaml',
  'toml',
  'kotlin',
  'swift',
  'sql',
  'html',
  'vue',
  'svelte',
  'lua',
  'makefile',
  'something-unknown',
];

/** Checks the invariants of every segmented document. */
function check(text: string, { segments, symbols }: SegmentedDocument): void {
  const lines = new LineTable(text);
  let line = 1;
  let offset = 0;
  const begun: number[] = [];
  for (const segment of segments) {
    expect([segment.startLine, segment.start]).toEqual([line, offset]);
    expect(segment.endLine).toBeGreaterThanOrEqual(segment.startLine);
    expect(segment.end).toBe(lines.start(segment.endLine));
    const count = segment.endLine - segment.startLine + 1;
    if (count > 1) {
      expect(count).toBeLessThanOrEqual(MAX_SEGMENT_LINES);
      expect(segment.end - segment.start).toBeLessThanOrEqual(MAX_SEGMENT_CHARACTERS);
    }
    expect(segment.maxCharacters !== undefined).toBe(segment.end - segment.start > MAX_SEGMENT_CHARACTERS);
    for (const index of segment.symbols) {
      const symbol = symbols[index];
      expect(symbol && symbol.startLine >= segment.startLine && symbol.startLine <= segment.endLine).toBe(true);
    }
    begun.push(...segment.symbols);
    line = segment.endLine + 1;
    offset = segment.end;
  }
  expect(offset).toBe(text.length);
  expect(line - 1).toBe(lines.count);
  expect(begun).toEqual(symbols.map((_, i) => i));
  for (const symbol of symbols) {
    expect(symbol.startLine).toBeGreaterThanOrEqual(1);
    expect(symbol.endLine).toBeGreaterThanOrEqual(symbol.startLine);
    expect(symbol.endLine).toBeLessThanOrEqual(lines.count);
    expect(symbol.signature.length).toBeLessThanOrEqual(200);
    expect((symbol.doc ?? '').length).toBeLessThanOrEqual(1000);
  }
}

/** Lines that occur in programs, and lines that do not. */
const line = fc.oneof(
  fc.constantFrom(
    '',
    '  ',
    'def f(x):',
    '    return x',
    'class A:',
    '  """doc"""',
    'function f() {',
    '}',
    '  }',
    '/** doc',
    ' */',
    '// note',
    '# head',
    '## sub',
    '===',
    '---',
    '```',
    'if (a) {',
    '} else {',
    'fn main() {',
    'impl A for B {',
    '#ifdef X',
    '#endif',
    'int f(int a)',
    '{',
    'export const a = () => {',
    'end',
    'module M',
    '<script>',
    '</script>',
    '<?php',
    'public void x() {',
    '@decorator',
    '"key": {',
    'key:',
    '  - item',
    '\t\tx',
    "'''",
    '"""',
    '`',
    '/*',
    '*/',
    'a'.repeat(2_500),
  ),
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const text = fc
  .tuple(fc.array(line, { maxLength: 300 }), fc.constantFrom('\n', '\r\n', '\r'), fc.boolean())
  .map(([lines, end, last]) => lines.join(end) + (last ? end : ''));

describe('segments', () => {
  it('cover every line exactly once, in any language, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(...LANGUAGES), async (text, language) => {
        check(text, await segmenter.segment({ path: 'x', language, text }));
      }),
      { numRuns: 400 },
    );
  });

  it('are the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('typescript', 'python', 'c'), async (text, language) => {
        expect(await segmenter.segment({ path: 'x', language, text })).toEqual(
          await segmenter.segment({ path: 'x', language, text }),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('are none for an empty text', async () => {
    expect((await segmenter.segment({ path: 'x', language: 'python', text: '' })).segments).toEqual([]);
  });

  it('are one for a single line of 2 MB, with the part to use', async () => {
    const result = await segmenter.segment({
      path: 'bundle.min.js',
      language: 'javascript',
      text: `var a=${'x+'.repeat(1_000_000)}1`,
    });
    expect(result.method).toBe('length');
    expect(result.segments).toHaveLength(1);
    expect(result.segments[0]?.maxCharacters).toBe(MAX_SEGMENT_CHARACTERS);
  });

  it('cover a generated file of 700 kB, names included', async () => {
    const text = Array.from(
      { length: 14_000 },
      (_, i) => `export const generatedConstant${i} = { id: ${i}, name: 'n${i}' };\n`,
    ).join('');
    expect(text.length).toBeGreaterThan(700_000);
    const result = await segmenter.segment({ path: 'g.ts', language: 'typescript', text });
    check(text, result);
    expect(result.symbols.some(({ name }) => name === 'generatedConstant13999')).toBe(true);
  });

  it('exist for text that derails a parser', async () => {
    for (const [language, text] of [
      ['javascript', '['.repeat(50_000)],
      ['python', Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i % 200)}if x:\n`).join('')],
      ['cpp', '<<'.repeat(2_000) + '\n'.repeat(100) + 'template<'.repeat(2_000)],
      ['php', '<?php ' + '${'.repeat(5_000)],
      ['ruby', '"#{'.repeat(3_000)],
      ['shellscript', '$(('.repeat(5_000)],
      ['markdown', '['.repeat(5_000) + '\n' + '#'.repeat(5_000)],
    ] as const) {
      check(text, await segmenter.segment({ path: 'x', language, text }));
    }
  });

  it('keep a definition whole that fits, with its comment and decorators', async () => {
    const filler = (n: number): string =>
      Array.from({ length: n }, (_, i) => `    value_${i} = compute(${i})\n`).join('');
    const text = `import os\n\n\ndef first():\n${filler(40)}\n\n# Says why.\n@decorated\n@twice(1)\ndef second():\n${filler(40)}\n\ndef third():\n${filler(5)}`;
    const { segments, symbols } = await segmenter.segment({ path: 'a.py', language: 'python', text });
    const second = symbols.find(({ name }) => name === 'second');
    const holder = segments.find(
      ({ startLine, endLine }) => startLine <= (second?.startLine ?? 0) && endLine >= (second?.endLine ?? 0),
    );
    expect(text.split('\n')[(holder?.startLine ?? 0) - 1]).toBe('# Says why.');
    expect(
      holder &&
        symbols
          .filter(({ startLine }) => startLine >= holder.startLine && startLine <= holder.endLine)
          .map(({ name }) => name),
    ).toContain('second');
  });

  it('cut a long definition at its inner statements and keep its end from its neighbours', async () => {
    const block = (n: number): string =>
      `  if (ready${n}) {\n${Array.from({ length: 18 }, (_, i) => `    step${n}(${i});\n`).join('')}  }\n\n`;
    const text = `function long() {\n${[0, 1, 2, 3, 4, 5].map(block).join('')}}\n\nfunction short() {\n  return 1;\n}\n\nfunction other() {\n${'  call();\n'.repeat(8)}}\n`;
    const { segments } = await segmenter.segment({ path: 'a.js', language: 'javascript', text });
    const lines = text.split('\n');
    const starts = segments.map(({ startLine }) => lines[startLine - 1]?.trim() ?? '');
    expect(starts.slice(1).every((start) => /^(?:if \(ready|function)/.test(start))).toBe(true);
    expect(starts.at(-1)).toBe('function short() {');
  });

  it('take the comment that Sphinx marks with #: without its mark', async () => {
    const { symbols } = await segmenter.segment({
      path: 'a.py',
      language: 'python',
      text: '#: The default limit.\n#:\n#: Seconds.\nLIMIT = 3\n\n\nclass A:\n    #: What it is called.\n    name = None\n',
    });
    expect(symbols.map(({ name, doc }) => [name, doc])).toEqual([
      ['LIMIT', 'The default limit.\n\nSeconds.'],
      ['A', undefined],
      ['name', 'What it is called.'],
    ]);
  });

  it('respect fenced code in Markdown, and both kinds of headings', async () => {
    const text =
      'Title\n=====\n\nWords.\n\n```sh\n# not a heading\nrun\n```\n\nPart\n----\n\nMore.\n\n### Deeper *still*\n\nEnd.\n';
    const { symbols, method } = await segmenter.segment({ path: 'a.md', language: 'markdown', text });
    expect(method).toBe('headings');
    expect(
      symbols.map(({ name, container, startLine, endLine }) => [name, container.join('/'), startLine, endLine]),
    ).toEqual([
      ['Title', '', 1, 18],
      ['Part', 'Title', 11, 18],
      ['Deeper still', 'Title/Part', 16, 18],
    ]);
  });

  it('find reStructuredText titles by their underlines, in the order of the styles', async () => {
    const text =
      '=====\nGuide\n=====\n\nIntro\n\nInstall\n-------\n\nText\n\nWindows\n~~~~~~~\n\nText\n\nUse\n---\n\nText\n';
    const { symbols } = await segmenter.segment({ path: 'a.rst', language: 'restructuredtext', text });
    expect(symbols.map(({ name, container }) => [...container, name].join(' > '))).toEqual([
      'Guide',
      'Guide > Install',
      'Guide > Install > Windows',
      'Guide > Use',
    ]);
  });

  it.each([
    [
      'x.svelte',
      'svelte',
      (script: string, style: string) =>
        `<script lang="ts">\n${script}</script>\n\n<main>\n\t<p>{title}</p>\n\t<p>{text}</p>\n</main>\n\n<style>\n${style}</style>\n`,
    ],
    [
      'x.vue',
      'vue',
      (script: string, style: string) =>
        `<template>\n\t<main>\n\t\t<template v-if="a">a</template>\n\t\t<p>{{ title }}</p>\n\t\t<p>{{ text }}</p>\n\t</main>\n</template>\n\n<script>\n${script}</script>\n\n<style scoped>\n${style}</style>\n`,
    ],
    [
      'x.html',
      'html',
      (script: string, style: string) =>
        `<html>\n  <body>\n    <p>Words</p>\n    <style>\n${style}    </style>\n    <p>Words</p>\n    <script>\n${script}    </script>\n    <p>Words</p>\n  </body>\n</html>\n`,
    ],
  ])(
    'cut %s at the borders of script, style and markup, and the script by its language',
    async (path, language, page) => {
      const script = ['first', 'second', 'third']
        .map(
          (name) =>
            `\tfunction ${name}() {\n${Array.from({ length: 24 }, (_, i) => `\t\tstep_${name}(${i});\n\n`).join('')}\t}\n`,
        )
        .join('\n');
      const style = Array.from({ length: 4 }, (_, i) => `\t.box-${i} {\n\t\tcolor: red;\n\t}\n`).join('');
      const text = page(script, style);
      const result = await segmenter.segment({ path, language, text });
      check(text, result);
      const rows = text.split('\n');
      const kindsOf = ({ startLine, endLine }: { startLine: number; endLine: number }): string[] => {
        const inside = rows.slice(startLine - 1, endLine).join('\n');
        return [
          ...(/step_|function/.test(inside) ? ['script'] : []),
          ...(inside.includes('.box-') ? ['style'] : []),
          ...(/<(p|main|body)\b/.test(inside) ? ['markup'] : []),
        ];
      };
      expect(result.segments.map(kindsOf).filter((kinds) => kinds.length > 1)).toEqual([]);
      expect(result.segments.some((segment) => kindsOf(segment)[0] === 'style')).toBe(true);
      for (const { name, startLine, endLine } of result.symbols.filter(({ kind }) => kind === 'function')) {
        expect(
          result.segments.filter((segment) => segment.startLine <= endLine && segment.endLine >= startLine),
          name,
        ).toHaveLength(1);
      }
    },
  );

  it('keep a small component together', async () => {
    const { segments } = await segmenter.segment({
      path: 'x.svelte',
      language: 'svelte',
      text: '<script>\n\tlet a = 1;\n</script>\n\n<p>{a}</p>\n',
    });
    expect(segments).toHaveLength(1);
  });

  it.each([
    ['go.sum', 'data'],
    ['testdata/x.caddyfiletest', 'data'],
    ['a/b.golden', 'data'],
    ['README', 'prose'],
    ['LICENSE.apache', 'prose'],
    ['notes.txt', 'prose'],
    ['docs/HACKING', 'prose'],
  ])('give plain text in %s the kind %s', async (path, kind) => {
    const { segments, method } = await segmenter.segment({ path, language: 'plaintext', text: 'one\n\ntwo\n' });
    expect([segments[0]?.kind, method]).toEqual([kind, kind === 'data' ? 'indentation' : 'headings']);
  });

  it('fall back to layout when grammars are missing, and report it', async () => {
    const lame = await createSegmenter({ grammars: '/nowhere' });
    const result = await lame.segment({ path: 'a.py', language: 'python', text: 'def f():\n    return 1\n' });
    expect(result.method).toBe('indentation');
    expect(result.symbols.map(({ name }) => name)).toEqual(['f']);
    expect([...lame.problems.keys()]).toEqual(['python']);
    lame.close();
  });
});
