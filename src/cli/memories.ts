/** Encodes the segments of a workspace while the command waits, and reports the figures. */
import * as l10n from '@vscode/l10n';
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
      l10n.t('No model with memory slots is in use, so nothing can be encoded. {0}', detail),
      l10n.t('Use the bundled model; it has memory slots.'),
    );
  const { segments, encoded, standstill } = status;
  const done = l10n.t('{0} of {1} segments are encoded.', formatNumber(encoded), formatNumber(segments));
  if (standstill?.cause === 'modelFailed')
    throw new AppError(
      'modelFailed',
      `${done} ${standstill.reason}`,
      l10n.t('Run the command again; it keeps the finished segments.'),
    );
  if (standstill?.cause === 'storeUnwritable')
    throw new AppError(
      'storeUnwritable',
      `${done} ${standstill.reason}`,
      l10n.t('Free some space and run the command again; it keeps the finished segments.'),
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
      ? l10n.t(
          'This run encoded {0} tokens in {1} s ({2} a second).',
          formatNumber(newTokens),
          seconds.toFixed(1),
          formatNumber(tokensPerSecond),
        )
      : l10n.t('Nothing was missing.');
  const encodedText = l10n.t(
    '{0} of {1} segments ({2} tokens) have memories by {3}.',
    formatNumber(encoded),
    formatNumber(segments),
    formatNumber(tokens),
    model,
  );
  const size = l10n.t(
    'The memories have {0} of at most {1}.',
    formatBytes(figures.bytes),
    formatBytes(figures.budgetBytes),
  );
  return [encodedText, speed, size, ...(reason === undefined ? [] : [reason])].join(' ');
}
