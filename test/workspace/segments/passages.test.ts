import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passagesOf } from '../../../src/workspace/segments/passages';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

async function passages(
  text: string,
  language = 'markdown',
): Promise<{ text: string; titles: string; beginsInCode?: true }[]> {
  const path = `a.${language === 'markdown' ? 'md' : 'txt'}`;
  const segmented = await segmenter.segment({ path, language, text });
  const read = { document: { file: `/${path}`, path, language, text, hash: '' }, segmented };
  return passagesOf(read).map(({ start, end, titles, ...rest }) => ({
    text: text.slice(start, end),
    titles: titles.join(' > '),
    ...(rest.beginsInCode ? { beginsInCode: true as const } : {}),
  }));
}

const sentence = 'The office keeps every letter that nobody has asked for in a drawer under the window. ';

describe('passages of prose', () => {
  it('are paragraphs with the titles of their sections', async () => {
    const long = sentence.repeat(4).trim();
    const text = `# Post\n\n## Letters\n\n${long}\n\n${long}\n\n## Parcels\n\n${long}\n`;
    expect(await passages(text)).toEqual([
      { text: long, titles: 'Post > Letters' },
      { text: long, titles: 'Post > Letters' },
      { text: long, titles: 'Post > Parcels' },
    ]);
  });

  it('tell that they begin within a block of code', async () => {
    const code = Array.from({ length: 40 }, (_, i) => `drawer ${i} holds the letters of house ${i}`).join('\n');
    const found = await passages(`# Post\n\nThe drawers:\n\n\`\`\`\n${code}\n\`\`\`\n\n${sentence.repeat(8)}\n`);
    expect(found.map(({ beginsInCode = false }) => beginsInCode)).toEqual([false, false, true, true, false]);
  });

  it('end with their page, unless a sentence goes on', async () => {
    const text = `[page 1]\n\nA ship waits.\n\n[page 2]\n\nThe lock opens at six. It stays open for the ferry that\n\n[page 3]\n\ncomes last.\n`;
    expect((await passages(text)).map((passage) => passage.text)).toEqual([
      'A ship waits.',
      'The lock opens at six. It stays open for the ferry that\n\n[page 3]\n\ncomes last.',
    ]);
  });

  it('end with their cell', async () => {
    const text = '# %% Cell 1 [markdown]\nThe quay has gauges.\n# %% Cell 2 [markdown]\nThey are read weekly.\n';
    expect((await passages(text)).map((passage) => passage.text)).toEqual([
      'The quay has gauges.',
      'They are read weekly.',
    ]);
  });

  it('keep a list with the sentence that announces it', async () => {
    const announced = `${sentence.repeat(3).trim()} The drawers are:`;
    const list = '- one for letters\n- one for cards';
    expect((await passages(`# Post\n\n${announced}\n\n${list}\n\n${sentence.repeat(4)}\n`))[0]?.text).toBe(
      `${announced}\n\n${list}`,
    );
  });

  it('leave out contents, link definitions and badges', async () => {
    const text = [
      '# Post',
      '[![build](a.svg)](b) [![npm](c.svg)](d)',
      '- [Letters](#letters)\n- [Parcels](#parcels)\n- [Cards](#cards)',
      '## Letters',
      sentence,
      '## Parcels',
      sentence,
      '## Cards',
      sentence,
      '[a]: https://a.example\n[b]: https://b.example',
    ].join('\n\n');
    expect((await passages(text)).map(({ text: own }) => own.trim())).toEqual(
      [sentence, sentence, sentence].map((s) => s.trim()),
    );
  });

  it('leave out a table of contents of plain text, which repeats the titles', async () => {
    const body = (title: string, mark: string): string => `${title}\n${mark.repeat(title.length)}\n\n${sentence}`;
    const contents = '* 1. Letters\n  * 1.1. Cards\n  * 1.2. Parcels\n* 2. Office';
    const text = [
      contents,
      body('1. Letters', '*'),
      body('1.1. Cards', '='),
      body('1.2. Parcels', '='),
      body('2. Office', '*'),
    ];
    const found = await passages(text.join('\n\n'), 'plaintext');
    expect(found.map(({ titles }) => titles)).toEqual([
      '1. Letters',
      '1. Letters > 1.1. Cards',
      '1. Letters > 1.2. Parcels',
      '2. Office',
    ]);
  });

  it('cut a long line at the ends of sentences, and lose nothing', async () => {
    const line = Array.from({ length: 60 }, (_, i) => `Drawer ${i} is empty and has been so for a year.`).join(' ');
    const found = await passages(`# Post\n\n${line}\n`);
    expect(found.length).toBeGreaterThan(2);
    expect(found.every(({ text }) => text.trimEnd().endsWith('.'))).toBe(true);
    expect(found.map(({ text }) => text).join('')).toBe(line);
  });
});
