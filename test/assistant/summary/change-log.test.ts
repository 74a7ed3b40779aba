import { beforeAll, expect, it } from 'vitest';
import { changeLogPoints } from '../../../src/assistant/summary/change-log';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import { toDocument } from '../../../src/workspace/sources/read';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});

async function pointsOf(text: string): Promise<string[] | undefined> {
  const document = toDocument('/w/History.md', 'History.md', text);
  return changeLogPoints({ document, segmented: await segmenter.segment(document) });
}

it('lists the newest releases with their changes, then each major version', async () => {
  const releases = [
    '2.1.0 / 2024-05-01',
    '2.0.0 / 2024-01-01',
    '1.2.0 / 2023-01-01',
    '1.1.0 / 2022-01-01',
    '1.0.0 / 2021-01-01',
  ];
  const text = releases
    .map((title) => `## ${title}\n\n * remove:\n   - \`old${title.slice(0, 3)}\` way\n * Add a door\n`)
    .join('\n');
  expect(await pointsOf(`# History\n\n${text}`)).toEqual([
    '- 2.1.0 / 2024-05-01: `old2.1` way; Add a door (lines 3–8)',
    '- 2.0.0 / 2024-01-01: `old2.0` way; Add a door (lines 9–14)',
    '- 1.2.0 / 2023-01-01: `old1.2` way; Add a door (lines 15–20)',
    '- 1.1.0 / 2022-01-01: `old1.1` way; Add a door (lines 21–26)',
    '- Version 2: 2 releases, from 2.0.0 / 2024-01-01 to 2.1.0 / 2024-05-01. It began with: `old2.0` way (lines 3–14)',
    '- Version 1: 3 releases, from 1.0.0 / 2021-01-01 to 1.2.0 / 2023-01-01. It began with: `old1.0` way (lines 15–31)',
  ]);
});

it('takes numbered sections for no releases', async () => {
  const sections = Array.from({ length: 8 }, (_, i) => `## 2.${i} Locks and gates\n\n- A gate of the lock.\n`).join(
    '\n',
  );
  expect(await pointsOf(`# Manual\n\n${sections}`)).toBeUndefined();
});
