/** The workspace's memories, made while a command waits for them. */
import { AppError, formatBytes, formatNumber } from '../base';
import type { Session } from './session';

export interface MemoryFigures {
  model: string;
  segments: number;
  encoded: number;
  /** Of all segments that are encoded, and those of this run. */
  tokens: number;
  newTokens: number;
  seconds: number;
  tokensPerSecond: number;
  bytes: number;
  budgetBytes: number;
  /** Why some segments are not encoded. */
  reason?: string;
}

/**
 * Encodes what is missing, with progress, and says what it took. What is encoded when it is interrupted is kept.
 *
 * @throws AppError('modelFailed') when no model with memory slots is in use, or it failed
 */
export async function makeMemories(
  { memories, engines, progress }: Session,
  signal: AbortSignal,
): Promise<MemoryFigures> {
  const started = performance.now();
  await memories.rest();
  const before = memories.storedTokens;
  memories.pause(false);
  const stop = (): void => void memories.end();
  signal.addEventListener('abort', stop, { once: true });
  await memories.settle();
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  progress.done();
  const { status } = memories;
  const { name, detail } = engines.memory.status;
  if (!status)
    throw new AppError(
      'modelFailed',
      `No model with memory slots is in use, so no memories can be made. ${detail}`,
      'Memories come with the bundled model.',
    );
  const { segments, encoded, standstill } = status;
  if (standstill?.cause === 'modelFailed')
    throw new AppError(
      'modelFailed',
      `${formatNumber(encoded)} of ${formatNumber(segments)} segments have memories. ` + `${standstill.reason}`,
      'What was made is kept: run it again.',
    );
  const seconds = (performance.now() - started) / 1000;
  const newTokens = memories.storedTokens - before;
  return {
    model: name ?? '',
    segments,
    encoded,
    tokens: memories.storedTokens,
    newTokens,
    seconds: Math.round(seconds * 1000) / 1000,
    tokensPerSecond: Math.round(newTokens / seconds),
    bytes: status.bytes,
    budgetBytes: status.budgetBytes,
    ...(standstill ? { reason: standstill.reason } : {}),
  };
}

export function renderMemories(figures: MemoryFigures): string {
  const { model, segments, encoded, newTokens, tokens, seconds, tokensPerSecond, reason } = figures;
  const speed =
    newTokens > 0
      ? `${formatNumber(newTokens)} tokens in ${seconds.toFixed(1)} s ` + `(${formatNumber(tokensPerSecond)} a second)`
      : 'nothing was missing';
  return (
    `${formatNumber(encoded)} of ${formatNumber(segments)} segments ` +
    `(${formatNumber(tokens)} tokens) have memories by ${model}; this run encoded ${speed}, ` +
    `and the memories have ${formatBytes(figures.bytes)} of at most ` +
    `${formatBytes(figures.budgetBytes)}.${reason === undefined ? '' : ` ${reason}`}`
  );
}
