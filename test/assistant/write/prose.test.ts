import { describe, expect, test } from 'vitest';
import { writeProse } from '../../../src/assistant/write/prose';
import { unitOf } from '../../../src/assistant/write/units';
import { draftWriter } from './draft-writer';

const LINES = [
  '`run`: executes the command for each search result, in parallel.',
  '`batch`: executes the command a single time, with the search results as arguments.',
];
const RUN = 'The `run` option executes the command for each search result, in parallel.';
const BATCH = 'The `batch` option executes the command a single time, with the search results as arguments.';
const unit = unitOf({ file: '/w/a.md', path: 'a.md', startLine: 1, endLine: LINES.length }, LINES, 'a.md');
const library = {
  read: async (file: string) => ({ file, path: 'a.md', text: LINES.join('\n'), language: 'text', hash: '', size: 1 }),
};

/** The prose of a draft, and the pieces that were shown while it was written. */
async function written(draft: string, question: string): Promise<{ prose: string; shown: string }> {
  let shown = '';
  const { markdown } = await writeProse({ chat: [], units: [unit], question, shown: [] }, draftWriter(draft), library, {
    onProse: (text) => (shown += text),
  });
  return { prose: markdown, shown };
}

describe('a comparison', () => {
  const question = 'What is the difference between run and batch?';

  test('is shown if each of its sentences is carried', async () => {
    const { prose, shown } = await written(`${RUN} ${BATCH}`, question);
    expect(prose).toMatch(/`run`.*\[1\].*`batch`.*\[2\]/);
    expect(shown.trim()).toBe(prose);
  });

  test('is not shown in part', async () => {
    const { prose, shown } = await written(`${RUN} The \`batch\` option encrypts the results with a key.`, question);
    expect(prose).toBe('');
    expect(shown).toBe('');
  });
});

test('other answers show what is carried', async () => {
  const draft = `${RUN} The \`run\` option encrypts the results with a key.`;
  const { prose } = await written(draft, 'How are commands executed?');
  expect(prose).toContain('in parallel [1]');
  expect(prose).not.toContain('encrypts');
});
