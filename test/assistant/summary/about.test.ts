import { beforeAll, expect, it } from 'vitest';
import { aboutOf } from '../../../src/assistant/summary/about';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import { toDocument } from '../../../src/workspace/sources/read';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});

async function aboutText(name: string, text: string): Promise<[string | undefined, string | undefined]> {
  const document = toDocument(`/w/${name}`, name, text);
  const { title, sentence } = aboutOf({ document, segmented: await segmenter.segment(document) });
  return [title, sentence?.text];
}

it('finds the sentence in which a document tells its purpose, below its licence', async () => {
  const text =
    '# Harbour Manual\n\nThis manual is free software; you may redistribute it under the terms below.\n\n' +
    '## Scope\n\nThe purpose of this document is to explain how ships enter the harbour.\n\n## Locks\n\nA lock is a gate.\n';
  expect(await aboutText('manual.md', text)).toEqual([
    'Harbour Manual',
    'The purpose of this document is to explain how ships enter the harbour.',
  ]);
});

it('takes the first sentence of a summary', async () => {
  const text =
    '- Feature Name: nets\n\n## Summary\n[summary]: #summary\n\nExtend the nets of the fleet by a second layer of **mesh**.\n\n## Motivation\n\nFish escape from the nets that are used today.\n';
  expect(await aboutText('rfc.md', text)).toEqual([
    undefined,
    'Extend the nets of the fleet by a second layer of mesh.',
  ]);
});

it('takes the line of a manual page', async () => {
  const text =
    'moor(1)\n=======\n\nNAME\n----\nmoor - Tie a ship to the quay\n\nDESCRIPTION\n-----------\nIt needs two ropes that are as long as the ship.\n';
  expect((await aboutText('moor.txt', text))[1]).toBe('moor: Tie a ship to the quay');
});
