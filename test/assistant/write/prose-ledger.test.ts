import { expect, it } from 'vitest';
import { proseLedger } from '../../../src/assistant/write/prose-ledger';
import type { Writer, Written } from '../../../src/protocol';

const writer = {
  contextTokens: 100,
  bytesPerRow: 8,
  countChats: (chats: readonly unknown[]) => Promise.resolve(chats.map((_, i) => 10 + 5 * i)),
} as unknown as Writer;
const written = { promptTokens: 40, newTokens: 7 } as Written;
const unit = { file: 'f', path: 'p', startLine: 1, endLine: 2, quote: 'q' } as never;

it('lists quoted lines, the question and the answer of a prompt within the window', async () => {
  const { groups, capacityRows } = await proseLedger([unit], writer, written);
  expect(groups.map(({ kind, rows }) => [kind, rows])).toEqual([
    ['full', 5],
    ['question', 35],
    ['answer', 7],
  ]);
  expect(capacityRows).toBe(100);
});

it('lists what the cache holds after a prompt beyond the window', async () => {
  const cached = [
    { kind: 'sinks', rows: 4, tokens: 4 },
    { kind: 'earlier', rows: 90, tokens: 90 },
    { kind: 'window', rows: 20, tokens: 20 },
  ] as const;
  const { groups, capacityRows } = await proseLedger([unit], writer, { ...written, cached });
  expect(groups.map(({ kind, rows, bytes }) => [kind, rows, bytes])).toEqual([
    ['sinks', 4, 32],
    ['earlier', 90, 720],
    ['window', 20, 160],
  ]);
  expect(capacityRows).toBe(114);
});
