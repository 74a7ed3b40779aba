import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractFunctions } from '../../../src/workspace/segments/functions';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import type { DocumentSymbol } from '../../../src/workspace/types';
import { decodeSegmented, encodeSegmented } from '../../../src/workspace/store/segmented-codec';
import { GOLDEN } from './golden';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

function describeSymbol({
  kind,
  container,
  name,
  startLine,
  endLine,
  docLine,
  doc,
  exported,
  declaration,
}: DocumentSymbol): string {
  return [
    `${kind} ${[...container, name].join('.')} ${startLine}-${endLine}`,
    ...(docLine !== undefined ? [`doc ${docLine} ${JSON.stringify(doc)}`] : []),
    ...(exported ? ['exported'] : []),
    ...(declaration ? ['declaration'] : []),
  ].join(' ');
}

describe('definitions and imports', () => {
  it.each(GOLDEN.map((golden) => [golden.language, golden] as const))(
    'are found in %s',
    async (language, { text, symbols, imports }) => {
      const segmented = await segmenter.segment({ path: 'x', language, text });
      expect(segmented.symbols.map(describeSymbol)).toEqual(symbols);
      expect(segmented.imports).toEqual(imports);
      expect(decodeSegmented(encodeSegmented(segmented))).toEqual(segmented);
    },
  );
});

describe('signatures', () => {
  it.each([
    [
      'typescript',
      'export async function wait(ms: number, o = { a: 1 }): Promise<void> {\n  x();\n}\n',
      'export async function wait(ms: number, o = { a: 1 }): Promise<void>',
    ],
    ['typescript', 'export const f = (a: string): void => {\n  x();\n};\n', 'export const f = (a: string): void'],
    [
      'python',
      'async def f(a: dict[str, int] = {"x": 1},\n            *b) -> None:\n    pass\n',
      'async def f(a: dict[str, int] = {"x": 1}, *b) -> None',
    ],
    ['rust', "pub fn f<'a>(x: &'a str) -> &'a str {\n    x\n}\n", "pub fn f<'a>(x: &'a str) -> &'a str"],
    ['c', 'static int\nadd(int a,\n    int b)\n{\n  return a;\n}\n', 'static int add(int a, int b)'],
    ['ruby', 'def add(a, b = {})\n  a\nend\n', 'def add(a, b = {})'],
    [
      'go',
      'func (s *Server) Start(ctx context.Context) (int, error) {\n\treturn 0, nil\n}\n',
      'func (s *Server) Start(ctx context.Context) (int, error)',
    ],
  ])('%s: %s', async (language, text, signature) => {
    expect((await segmenter.segment({ path: 'x', language, text })).symbols[0]?.signature).toBe(signature);
  });
});

describe('breadcrumbs', () => {
  it('name the definitions that contain the first line', async () => {
    const method = (name: string): string =>
      `    def ${name}(self):\n${Array.from({ length: 40 }, (_, i) => `        self.call_${i}(${i})\n`).join('')}\n`;
    const text = `class Big:\n${['one', 'two', 'three'].map(method).join('')}`;
    const { segments } = await segmenter.segment({ path: 'x.py', language: 'python', text });
    expect(segments.map(({ breadcrumb }) => breadcrumb.join(' > '))).toEqual(['Big', 'Big > two', 'Big > three']);
  });
});

describe('documented functions', () => {
  it('consist of words, code without the words, and the functions it calls', async () => {
    const text =
      'import os\n\n@cached\ndef load(path):\n    """Loads a file.\n\n    Twice.\n    """\n    data = os.read(path)  # not call(this)\n    return parse(data, mode="x(y)") if ready(data) else None\n\ndef bare():\n    return 1\n';
    const document = { path: 'x.py', language: 'python', text };
    expect(extractFunctions(document, await segmenter.segment(document))).toEqual([
      {
        name: 'load',
        doc: 'Loads a file.\n\nTwice.',
        code: 'def load(path):\n    data = os.read(path)  # not call(this)\n    return parse(data, mode="x(y)") if ready(data) else None\n',
        startLine: 4,
        endLine: 10,
        calls: ['read', 'parse', 'ready'],
      },
    ]);
  });

  it('exclude the comment above from the code', async () => {
    const document = {
      path: 'x.ts',
      language: 'typescript',
      text: '/** Adds. */\nfunction add(a: number) {\n  // one(two)\n  return plus(a);\n}\n',
    };
    const [found] = extractFunctions(document, await segmenter.segment(document));
    expect(found).toMatchObject({
      name: 'add',
      doc: 'Adds.',
      code: 'function add(a: number) {\n  // one(two)\n  return plus(a);\n}\n',
      calls: ['plus'],
    });
  });
});
