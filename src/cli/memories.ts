/** Encodes the segments of a workspace while the command waits, and reports the figures. */
import { AppError, formatBytes, formatNumber } from '../base';
import type { Session } from './session';

export interface MemoryFigures {
  model: string;
  segments: number;
  encoded: number;
  /** Tokens of all encoded segments. */
  tokens: number;
  /** Tokens that this run encoded. */
  newTokens: number;
  seconds: number;
  tokensPerSecond: number;
  bytes: number;
  budgetBytes: number;
  /** Why some segments are not encoded. */
  reason?: string;
}

/**
 * Encodes missing segments with progress. An interruption keeps the finished ones.
 *
 * @throws AppError('modelFailed') when no model with memory slots is in use, or it failed
 */
export async function makeMemories(
  { memory, engines, progress }: Session,
  signal: AbortSignal,
): Promise<MemoryFigures> {
  const started = performance.now();
  await memory.openOnly();
  const before = memory.storedTokens;
  memory.pause(false);
  const stop = (): void => void memory.end();
  signal.addEventListener('abort', stop, { once: true });
  await memory.encodeUntil();
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  progress.done();
  const { status } = memory;
  const { name, detail } = engines.memory.status;
  if (!status)
    throw new AppError(
      'modelFailed',
      `No model with memory slots is in use, so nothing can be encoded. ${detail}`,
      'Use the bundled model; it has memory slots.',
    );
  const { segments, encoded, standstill } = status;
  if (standstill?.cause === 'modelFailed')
    throw new AppError(
      'modelFailed',
      `${formatNumber(encoded)} of ${formatNumber(segments)} segments are encoded. ${standstill.reason}`,
      'Run the command again; it keeps the finished segments.',
    );
  if (standstill?.cause === 'storeUnwritable')
    throw new AppError(
      'storeUnwritable',
      `${formatNumber(encoded)} of ${formatNumber(segments)} segments are encoded. ${standstill.reason}`,
      'Free some space and run the command again; it keeps the finished segments.',
    );
  const seconds = (performance.now() - started) / 1000;
  const newTokens = memory.storedTokens - before;
  return {
    model: name ?? '',
    segments,
    encoded,
    tokens: memory.storedTokens,
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
      ? `${formatNumber(newTokens)} tokens in ${seconds.toFixed(1)} s (${formatNumber(tokensPerSecond)} a second)`
      : 'nothing was missing';
  return (
    `${formatNumber(encoded)} of ${formatNumber(segments)} segments ` +
    `(${formatNumber(tokens)} tokens) have memories by ${model}; this run encoded ${speed}, ` +
    `and the memories have ${formatBytes(figures.bytes)} of at most ` +
    `${formatBytes(figures.budgetBytes)}.${reason === undefined ? '' : ` ${reason}`}`
  );
}
