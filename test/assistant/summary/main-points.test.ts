import { beforeAll, expect, it } from 'vitest';
import { mainPoints } from '../../../src/assistant/summary/main-points';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import { toDocument } from '../../../src/workspace/sources/read';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});

async function pointsOf(text: string): Promise<string[]> {
  const document = toDocument('/w/guide.md', 'guide.md', text);
  return mainPoints({ document, segmented: await segmenter.segment(document) });
}

const SECTION = (title: string, text: string): string => `## ${title}\n\n${text}\n\n`;

it('divides a section that holds most of the document', async () => {
  const points = await pointsOf(
    `# Guide\n\n${SECTION('Storage', 'The storage keeps all records on the local disk.')}${SECTION('Network', 'The network carries records between two machines.')}`,
  );
  expect(points).toEqual([
    '- Storage: The storage keeps all records on the local disk. (line 5)',
    '- Network: The network carries records between two machines. (line 9)',
  ]);
});

it('prefers the sentence that says what a section is about to those that lean on others', async () => {
  const [point] = await pointsOf(
    SECTION(
      'Caches',
      'A cache keeps answers in memory for later questions. This means that caches of 12 MB are kept. Otherwise caches and caches of answers would be slow.',
    ) + SECTION('Locks', 'A lock keeps two writers of one file apart at all times.'),
  );
  expect(point).toContain('A cache keeps answers in memory');
});

it('leaves out contents, questions and licences', async () => {
  const points = await pointsOf(
    SECTION('Table of Contents', 'The chapters of this guide and all of their pages.') +
      SECTION(
        'Use',
        'How do you use such a program in your own projects? The program reads one file and writes another.',
      ) +
      SECTION(
        'Origin',
        'You may redistribute it as free software under some terms. The program began as a part of a larger one.',
      ),
  );
  expect(points).toEqual([
    expect.stringMatching(/^- Use: The program reads one file/),
    expect.stringMatching(/^- Origin: The program began as a part/),
  ]);
});

it('gives a section its topic and a fact, without code and markup', async () => {
  const [point] = await pointsOf(
    SECTION(
      'Storage',
      'The **storage** keeps all records on the local disk.\n\n```js\nconst Storage = open(); // The storage. It is open.\n```\n\nA record must not be larger than 12 MB in all.',
    ) + SECTION('Network', 'The network carries records between two machines.'),
  );
  expect(point).toBe(
    '- Storage: The storage keeps all records on the local disk. A record must not be larger than 12 MB in all. (line 3; line 9)',
  );
});
