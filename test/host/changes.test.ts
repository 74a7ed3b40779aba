import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChangeQueue, CHANGES_PER_MESSAGE, isRelevant, type FileChange } from '../../src/host/files/changes';

describe('ChangeQueue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function queue(): { add: ChangeQueue['add']; flush: () => void; sent: FileChange[][] } {
    const sent: FileChange[][] = [];
    const changes = new ChangeQueue((part) => sent.push(part), { quiet: 100, longest: 1_000 });
    return { add: changes.add.bind(changes), flush: () => changes.flush(), sent };
  }

  it('joins a burst and keeps one entry for each file', () => {
    const { add, sent } = queue();
    add('/a', 'created');
    add('/a', 'changed');
    add('/b', 'deleted');
    add('/b', 'created');
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(sent).toEqual([
      [
        { file: '/a', type: 'created' },
        { file: '/b', type: 'changed' },
      ],
    ]);
  });

  it('sends a save at once, and does not wait forever during a burst', () => {
    const { add, sent } = queue();
    add('/saved', 'changed', true);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(1);
    for (let step = 0; step < 15; step++) {
      add(`/f${step}`, 'changed');
      vi.advanceTimersByTime(90);
    }
    expect(sent.length).toBeGreaterThan(1);
  });

  it('sends pending changes before a question, and only once', () => {
    const { add, flush, sent } = queue();
    add('/a', 'changed');
    flush();
    expect(sent).toEqual([[{ file: '/a', type: 'changed' }]]);
    vi.advanceTimersByTime(2_000);
    flush();
    expect(sent).toHaveLength(1);
  });

  it('splits a branch switch into messages without losing a change', () => {
    const { add, sent } = queue();
    const count = 3 * CHANGES_PER_MESSAGE + 7;
    for (let file = 0; file < count; file++) add(`/f${file}`, 'changed');
    vi.runAllTimers();
    expect(sent).toHaveLength(4);
    expect(new Set(sent.flat().map(({ file }) => file)).size).toBe(count);
  });
});

describe('isRelevant', () => {
  it.each([
    ['/w/src/a.ts', true],
    ['/w/.gitignore', true],
    ['/w/.git/HEAD', true],
    ['/w/.git/info/exclude', true],
    ['/w/.git/objects/ab/cd', false],
    ['/w/.git/index.lock', false],
    ['C:\\w\\.git\\index', false],
    ['/w/.github/x.yml', true],
  ])('%s: %s', (file, relevant) => {
    expect(isRelevant(file)).toBe(relevant);
  });
});
