import { expect, test } from 'vitest';
import { ask } from '../../../src/assistant/ask';
import { asksForChanges, type CommitHistory } from '../../../src/assistant/history/changes';
import type { Commit } from '../../../src/protocol';
import { MemoryLibrary } from '../memory-library';

test.each([
  'When was the retry limit added?',
  'why did the pool change its timeout',
  'Who wrote Pool.take?',
  'Which commit introduced the idle limit?',
  'What changed in the session adapters recently?',
  'Since when are headers lower case?',
  'Show the history of Pool.take',
  'Why was the pause before a request is tried again added?',
])('“%s” asks for changes', (question) => expect(asksForChanges(question)).toBe(true));

test.each([
  'When is an entry added to the pool?',
  'Why does the server drop connections?',
  'Who calls connect?',
  'How are settings updated?',
  'What is a commit?',
  'When exactly does the pool drop a connection that was added?',
  'Where is the history kept?',
])('“%s” asks for code', (question) => expect(asksForChanges(question)).toBe(false));

const commit = (hash: string, date: string, subject: string, body = ''): Commit => ({
  hash: hash.repeat(40),
  author: 'Ada [1] `x`',
  date: `${date}T10:00:00Z`,
  subject,
  body,
});
const LATEST = commit('a', '2026-03-01', 'Wait twice as long', 'Slow hosts were given up\ntoo early.\n\nMore.');
const OLDER = commit('b', '2025-02-01', 'Name the limit');
const FIRST = commit('c', '2024-01-01', 'Add the pool');
const OTHER = commit('d', '2025-06-01', 'Drop the waiting room of the pool', 'It changed nothing.');

const history: CommitHistory = {
  ofLines: async () => [LATEST, OLDER, FIRST],
  firstOfLines: async () => FIRST,
  latest: async () =>
    [LATEST, OTHER, commit('e', '2026-01-01', 'Paint doors')].map((each) => ({ ...each, file: '/w/HEAD' })),
};
const library = new MemoryLibrary({
  'pool.py': 'def wait_for_pool(host):\n    """Waits for the pool of a host."""\n    return sleep(20)\n',
});
const tools = { library, search: library, history };
const asked = (question: string, own: Partial<typeof tools> = {}) =>
  ask({ id: 'q', question, scope: { kind: 'workspace' } }, { ...tools, ...own });

test('a question about a change is answered from commits, each with its citation and reason', async () => {
  const { markdown, citations, notices } = await asked('Why did wait_for_pool change?');
  expect(markdown).toContain('Commits that changed `wait_for_pool`, newest first:');
  expect(markdown).toContain(
    '- 2026-03-01, Ada 1 x: “Wait twice as long” [1]\n  > Slow hosts were given up too early.',
  );
  expect(citations[0]).toMatchObject({
    commit: LATEST.hash,
    path: `commit ${'a'.repeat(10)}`,
    file: '/w/pool.py',
    startLine: 1,
    endLine: 6,
    text: 'Wait twice as long\n\nSlow hosts were given up\ntoo early.\n\nMore.',
  });
  // The code follows, with the next number.
  expect(citations.find(({ commit: hash }) => hash === undefined)?.path).toBe('pool.py');
  expect(notices).toEqual([]);
});

test('a question about the beginning names the first commit first', async () => {
  const { markdown } = await asked('When was wait_for_pool added?');
  expect(markdown).toMatch(/^`wait_for_pool` first appears in:\n\n- 2024-01-01, .*“Add the pool” \[1\]/);
  expect(markdown.match(/Add the pool/g)).toHaveLength(1);
});

test('a best place that was never committed leaves the answer to the next place that was', async () => {
  const places = new MemoryLibrary({
    'pool.py': 'def wait_for_pool(host):\n    """Waits for the pool of a host."""\n    return sleep(20)\n',
    'notes.md': '# Waiting\n\nTo wait for the pool of a host is slow.\n',
  });
  const paths: string[] = [];
  const { citations } = await asked('Why did the wait for the pool of a host change?', {
    library: places,
    search: places,
    history: {
      ...history,
      ofLines: async ({ path }) => (paths.push(path) === 1 ? [] : [LATEST]),
      latest: async () => [],
    },
  });
  expect(new Set(paths)).toEqual(new Set(['pool.py', 'notes.md']));
  expect(citations[0]?.commit).toBe(LATEST.hash);
});

test('a commit is found by its message, also where no file matches', async () => {
  const { markdown, citations } = await asked('Why was the waiting room dropped?', {
    library: new MemoryLibrary({ 'other.py': 'x = 1\n' }),
    search: new MemoryLibrary({ 'other.py': 'x = 1\n' }),
  });
  expect(markdown).toContain('Commits whose message matches the question:\n\n- 2025-06-01');
  expect(markdown).not.toContain('Paint doors');
  expect(citations).toHaveLength(1);
});

test('another question reads no history, and without git the code answers alone', async () => {
  const fail = (): never => {
    throw new Error('read');
  };
  const unread: CommitHistory = { ofLines: fail, firstOfLines: fail, latest: fail };
  expect((await asked('Where is wait_for_pool defined?', { history: unread })).markdown).toContain('Best match');
  const none: CommitHistory = { ofLines: async () => [], firstOfLines: async () => undefined, latest: async () => [] };
  expect((await asked('Why did wait_for_pool change?', { history: none })).markdown).toMatch(/^Best match/);
});
