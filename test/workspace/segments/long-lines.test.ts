/** A file with one very long line of data keeps its definitions; a minified file has none. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

const names = async (path: string, language: string, text: string): Promise<string[]> =>
  (await segmenter.segment({ path, language, text })).symbols.map(({ name }) => name);

it.each([
  [
    'tray.py',
    'python',
    `ICON = "${'iVBORw0KGgo'.repeat(6_000)}"\n\n\ndef icon_bytes():\n    return ICON\n\n\nclass Tray:\n    def set_badge(self):\n        pass\n`,
    ['ICON', 'icon_bytes', 'Tray', 'set_badge'],
  ],
  [
    'fixture.ts',
    'typescript',
    `const ROWS = [${'12, 4711, 0.5, '.repeat(5_000)}];\n\nexport function countRows(): number {\n  return ROWS.length;\n}\n`,
    ['ROWS', 'countRows'],
  ],
])('%s', async (path, language, text, expected) => {
  expect(await names(path, language, text)).toEqual(expected);
});

it('minified code is cut by length', async () => {
  const text = 'function a(b){return c(b+1)}var d=a(2);if(d){e()}'.repeat(2_000);
  const { method, symbols } = await segmenter.segment({ path: 'app.min.js', language: 'javascript', text });
  expect({ method, symbols }).toEqual({ method: 'length', symbols: [] });
});
