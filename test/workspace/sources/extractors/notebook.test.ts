/** Jupyter notebooks: their text, the map back to cells, their segments, and hostile input. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extractorFor } from '../../../../src/workspace/sources/extractors';
import { extractNotebook } from '../../../../src/workspace/sources/extractors/notebook';
import { createSegmenter, type Segmenter } from '../../../../src/workspace/segments/segmenter';
import { LineTable } from '../../../../src/base';

const LIMITS = { maxCharacters: 1_000_000 };
const PICTURE = 'iVBORw0KGgo'.repeat(2_000);

const calibration = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { language: 'python', name: 'python3' } },
  cells: [
    { cell_type: 'markdown', source: ['# Station calibration\n', '\n', 'The drift is removed.\n', '\n', '## Drift'] },
    {
      cell_type: 'code',
      source: [
        '%matplotlib inline\n',
        'import numpy as np\n',
        '\n',
        'def remove_drift(series, days=7):\n',
        '    """Subtract the running median."""\n',
        '    return series - running_median(series, 24 * days)\n',
      ],
      outputs: [
        { output_type: 'display_data', data: { 'image/png': PICTURE, 'text/plain': ['<Figure size 640x480>'] } },
        { output_type: 'stream', name: 'stdout', text: ['\u001B[32mrows 8760\u001B[0m\n'] },
      ],
    },
    {
      cell_type: 'code',
      source: '!pip install numpy\nclass Station:\n    def read(self):\n        return 1',
      outputs: [],
    },
    { cell_type: 'raw', source: 'left as it is' },
  ],
};
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('a notebook as text', () => {
  const { text, language, places } = extractNotebook(bytes(calibration), LIMITS);
  const lines = text.split('\n');

  test('contains sources and textual outputs below their markers, without pictures', () => {
    expect(language).toBe('python');
    expect(text).toContain('# %% Cell 1 [markdown]\n# Station calibration\n');
    expect(text).toContain('# %% Cell 2 [python]\n%matplotlib inline\nimport numpy as np\n');
    expect(text).toContain('# %% Cell 2 [output]\nrows 8760\n');
    expect(text).toContain('# %% Cell 4 [raw]\nleft as it is\n');
    expect(text).not.toMatch(/iVBOR|Figure size|\u001B/);
  });

  test('maps every line except markers back to its cell', () => {
    const cellOf = (needle: string): number | undefined => {
      const line = lines.findIndex((each) => each.includes(needle)) + 1;
      return places?.find(({ startLine, endLine }) => startLine <= line && line <= endLine)?.number;
    };
    expect(cellOf('The drift is removed')).toBe(1);
    expect(cellOf('def remove_drift')).toBe(2);
    expect(cellOf('rows 8760')).toBe(2);
    expect(cellOf('class Station')).toBe(3);
    expect(places?.every(({ kind }) => kind === 'cell')).toBe(true);
  });
});

describe('a notebook that is segmented', () => {
  let segmenter: Segmenter;
  beforeAll(async () => {
    segmenter = await createSegmenter();
  });
  afterAll(() => segmenter.close());

  test('has headings of prose and definitions of code at their places', async () => {
    const { text, language = '' } = extractNotebook(bytes(calibration), LIMITS);
    const segmented = await segmenter.segment({ path: 'calibration.ipynb', language, text });
    const rows = text.split('\n');
    const found = segmented.symbols.map(({ kind, name, container, startLine }) => {
      expect(rows[startLine - 1]).toContain(name);
      return `${kind} ${[...container, name].join('.')}`;
    });
    expect(found).toEqual([
      'heading Station calibration',
      'heading Station calibration.Drift',
      'function remove_drift',
      'class Station',
      'method Station.read',
    ]);
    expect(segmented.symbols[2]).toMatchObject({
      doc: 'Subtract the running median.',
      signature: expect.stringContaining('days=7'),
    });
    expect(segmented.imports).toContain('numpy');
  });

  test('covers every line once; long cells begin a segment, and prose has the kind prose', async () => {
    const long = Array.from({ length: 30 }, (_, i) => `value_${i} = ${i}\n`);
    const cells = [
      { cell_type: 'markdown', source: Array.from({ length: 20 }, (_, i) => `Paragraph ${i}.\n\n`) },
      { cell_type: 'code', source: long },
      { cell_type: 'code', source: long },
    ];
    const { text, language = '' } = extractNotebook(bytes({ ...calibration, cells }), LIMITS);
    const { segments } = await segmenter.segment({ path: 'a.ipynb', language, text });
    const table = new LineTable(text);
    expect(segments[0]?.startLine).toBe(1);
    segments.forEach((segment, i) => expect(segment.endLine + 1).toBe(segments[i + 1]?.startLine ?? table.count + 1));
    const starts = new Set(segments.map(({ startLine }) => startLine));
    for (const [i, line] of text.split('\n').entries())
      if (line.startsWith('# %% Cell')) expect(starts).toContain(i + 1);
    expect(segments[0]?.kind).toBe('prose');
    expect(segments.at(-1)?.kind).toBe('code');
  });

  test('finds definitions of kernels without a grammar', async () => {
    const notebook = {
      ...calibration,
      metadata: { kernelspec: { language: 'julia' } },
      cells: [
        { cell_type: 'markdown', source: 'function words(in prose)' },
        { cell_type: 'code', source: 'function drift(x)\n    x + 1\nend' },
      ],
    };
    const { text, language = '' } = extractNotebook(bytes(notebook), LIMITS);
    expect(language).toBe('julia');
    const { symbols } = await segmenter.segment({ path: 'a.ipynb', language, text });
    expect(symbols.map(({ name }) => name)).toEqual(['drift']);
  });
});

describe('hostile notebooks', () => {
  test('are refused with the reason', () => {
    for (const [content, code] of [
      ['<<<<<<< HEAD', 'malformed'],
      ['[]', 'malformed'],
      ['{"cells": 3}', 'malformed'],
      ['['.repeat(3_000_000), 'malformed'],
      [`{"cells":[${'{},'.repeat(20_000)}{}]}`, 'tooLarge'],
    ] as const)
      expect(() => extractNotebook(Buffer.from(content), LIMITS)).toThrow(expect.objectContaining({ code }));
    const long = bytes({ cells: [{ cell_type: 'code', source: 'x'.repeat(2_000_000) }] });
    expect(() => extractNotebook(long, LIMITS)).toThrow(expect.objectContaining({ code: 'tooLarge' }));
  });

  test('return the readable parts of unexpected shapes', () => {
    const cells = [
      null,
      7,
      { cell_type: 'code', source: 3, outputs: 'x' },
      { cell_type: 'code', source: ['a', 1], outputs: [null, { data: 4 }] },
    ];
    expect(extractNotebook(bytes({ cells }), LIMITS).text).toBe(
      '# %% Cell 1 [raw]\n# %% Cell 2 [raw]\n# %% Cell 3 [python]\n# %% Cell 4 [python]\na\n',
    );
  });

  test('cannot forge cells: a marker inside a cell keeps its cell', () => {
    const cells = [
      { cell_type: 'code', source: '# %% Cell 1 [markdown]\nx = 1' },
      { cell_type: 'code', source: 'y = 2' },
    ];
    const { text, places } = extractNotebook(bytes({ cells }), LIMITS);
    const line = text.split('\n').indexOf('x = 1') + 1;
    expect(places?.find(({ startLine, endLine }) => startLine <= line && line <= endLine)?.number).toBe(1);
  });

  test('bound each output', () => {
    const text = Array.from({ length: 5_000 }, (_, i) => `step ${i}\n`);
    const cells = [{ cell_type: 'code', source: 'train()', outputs: [{ output_type: 'stream', text }] }];
    const extracted = extractNotebook(bytes({ cells }), LIMITS).text;
    expect(extracted.split('\n').length).toBeLessThan(70);
    expect(extracted).toContain('step 59\n…');
  });
});

test('the registry selects notebooks by name, and plain text for everything else', () => {
  expect(extractorFor('a/B.IPYNB').id).toBe('notebook');
  expect(extractorFor('a/ipynb').id).toBe('text');
  expect(extractorFor('notes.md').id).toBe('text');
});
