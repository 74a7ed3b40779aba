import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexState, IndexStatus } from '../../src/protocol';
import { faceOf, isWorking, MonotoneProgress } from '../../src/host/status/index-state';
import { IndexingHold } from '../../src/host/status/hold';

function status(state: IndexState, progress = 0): IndexStatus {
  return {
    state,
    progress,
    reason: '',
    filesKnown: 10,
    filesIndexed: 5,
    bytesIndexed: 0,
    segments: 0,
    storeBytes: 0,
    problems: [],
    skipped: [],
    memoryBytes: 0,
    model: { state: 'none', author: { kind: 'extractive' }, detail: '' },
  };
}

describe('faceOf', () => {
  it('prefers the state of the process to the last status of the worker', () => {
    expect(faceOf({ kind: 'waiting', delay: 1, reason: '' }, status('ready')).state).toBe('restarting');
    expect(faceOf({ kind: 'failed', reason: '' }, status('ready'))).toMatchObject({
      state: 'failed',
      severity: 'error',
    });
    expect(faceOf({ kind: 'asleep' }, status('indexing')).state).toBe('asleep');
    expect(faceOf({ kind: 'running', pid: 1 }, status('indexing', 0.4))).toMatchObject({
      state: 'working',
      progress: 0.4,
    });
    expect(faceOf({ kind: 'running', pid: 1 }, undefined).state).toBe('idle');
  });
});

describe('a pause or cancel of the user', () => {
  it('differs from a finished index, even if every file is indexed', () => {
    const running = { kind: 'running', pid: 1 } as const;
    expect(faceOf(running, { ...status('ready'), held: 'paused' }).state).toBe('paused');
    expect(faceOf(running, { ...status('cancelled', 0.4), held: 'cancelled' })).toMatchObject({
      state: 'cancelled',
      severity: 'none',
    });
  });

  it('is kept: a pause in later windows too, a cancel in this window', async () => {
    const kept = new Map<string, unknown>();
    const store = {
      get: (key: string) => kept.get(key),
      update: async (key: string, value: unknown) => void kept.set(key, value),
    };
    const hold = new IndexingHold(store);
    expect(hold.held).toBeUndefined();
    await hold.set('paused');
    expect([hold.held, new IndexingHold(store).held]).toEqual(['paused', 'paused']);
    await hold.set('cancelled');
    expect([hold.held, new IndexingHold(store).held]).toEqual(['cancelled', undefined]);
    await hold.set(undefined);
    expect(hold.held).toBeUndefined();
  });
});

describe('isWorking', () => {
  it('shows that the index is ready while the model encodes', () => {
    const memories = { encoded: 1, segments: 2, bytes: 0, budgetBytes: 0, paused: false };
    const running = { kind: 'running', pid: 1 } as const;
    expect(faceOf(running, { ...status('ready'), memories })).toMatchObject({ state: 'encoding', severity: 'none' });
    expect(faceOf(running, { ...status('ready'), memories: { ...memories, encoded: 2 } }).state).toBe('ready');
  });

  it('works while segments remain to be encoded, unless paused', () => {
    const memories = { encoded: 1, segments: 2, bytes: 0, budgetBytes: 0, paused: false };
    expect(isWorking({ ...status('ready'), memories })).toBe(true);
    expect(
      isWorking({
        ...status('ready'),
        memories: { ...memories, paused: true, standstill: { cause: 'paused', reason: '' } },
      }),
    ).toBe(false);
    expect(
      isWorking({ ...status('ready'), memories: { ...memories, standstill: { cause: 'budgetFull', reason: '' } } }),
    ).toBe(false);
    expect(isWorking({ ...status('ready'), memories: { ...memories, encoded: 2 } })).toBe(false);
  });
});

describe('MonotoneProgress', () => {
  it('never goes back within a pass, for any messages', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (shares) => {
        const monotone = new MonotoneProgress();
        const shown = shares.map((share) => monotone.update(status('indexing', share)).progress);
        expect(shown).toEqual([...shown].sort((a, b) => a - b));
      }),
    );
  });

  it('starts again with the next pass', () => {
    const monotone = new MonotoneProgress();
    monotone.update(status('indexing', 0.9));
    monotone.update(status('ready', 1));
    expect(monotone.update(status('indexing', 0.1)).progress).toBe(0.1);
  });
});
