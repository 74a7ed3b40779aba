import { describe, expect, test } from 'vitest';
import type { Written } from '../../../src/protocol';
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

/** The prose of a draft, the pieces that were shown while it was written, and the number of citations. */
async function written(draft: string, question: string, stopped: Written['stopped'] = 'end') {
  let shown = '';
  const { markdown, citations } = await writeProse(
    { chat: [], units: [unit], question, shown: [] },
    draftWriter(draft, { stopped }),
    library,
    { onProse: (text) => (shown += text) },
  );
  return { prose: markdown, shown, cited: citations.length };
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

describe('a list', () => {
  const question = 'Which options execute a command?';

  test('is shown with all of its items', async () => {
    const { prose, shown, cited } = await written(`- ${RUN}\n- ${BATCH}`, question);
    expect(prose).toMatch(/^- .*`run`.*\[1\]\.\n- .*`batch`.*\[2\]\.$/);
    expect(shown).toBe(prose);
    expect(cited).toBe(2);
  });

  test('is not shown without one of them', async () => {
    const draft = `The \`run\` option executes the command for each search result:\n- ${RUN}\n- The \`zip\` option.\n- ${BATCH}`;
    expect(await written(draft, question)).toEqual({ prose: '', shown: '', cited: 0 });
  });

  test('is not shown where it was cut off', async () => {
    const { prose } = await written(`- ${RUN}\n- ${BATCH}`, question, 'length');
    expect(prose).toBe('');
  });

  test('leaves the sentences before it', async () => {
    const { prose, cited } = await written(`${RUN}\n\n- ${BATCH}\n- The \`zip\` option.`, question);
    expect(prose).toMatch(/^The `run` option .* \[1\]\.$/);
    expect(cited).toBe(1);
  });
});

test('other answers show what is carried', async () => {
  const draft = `${RUN} The \`run\` option encrypts the results with a key.`;
  const { prose } = await written(draft, 'How are commands executed?');
  expect(prose).toContain('in parallel [1]');
  expect(prose).not.toContain('encrypts');
});
