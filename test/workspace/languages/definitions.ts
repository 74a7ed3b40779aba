/** The definitions that the segmenter finds, in words. */
import { afterAll, beforeAll } from 'vitest';
import { languageOf } from '../../../src/workspace/languages';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

export let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

export async function definitions(path: string, text: string): Promise<string[]> {
  const language = languageOf(path, text);
  const { symbols } = await segmenter.segment({ path, language, text });
  return symbols.map(
    ({ kind, container, name, startLine, endLine, doc }) =>
      `${kind} ${[...container, name].join('.')} ${startLine}-${endLine}${doc === undefined ? '' : ` “${doc}”`}`,
  );
}

export const lines = (...text: string[]): string => `${text.join('\n')}\n`;
