import { AppError, formatNumber } from '../base';
import { type Checkpoint, type Decoder, extendWindow, type Tokenizer } from '../engine';
import type { ExtendedWindow } from '../protocol';

export interface ExtendOptions {
  factor: number;
  /** Text that the factors are judged on. */
  text: string;
  signal?: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** Searches rotary factors of a loaded model on a text (DCIS), and stores them with the model. @throws AppError */
export async function extendLoaded(
  checkpoint: Checkpoint,
  decoder: Decoder,
  tokenizer: Tokenizer,
  { factor, text, signal, onProgress }: ExtendOptions,
): Promise<ExtendedWindow> {
  const window = Math.floor(decoder.config.rope.originalMaxPositions * factor);
  const tokens = tokenizer.encode(text);
  if (tokens.length < window)
    throw new AppError(
      'modelFailed',
      `The workspace has ${formatNumber(tokens.length)} tokens of text. ` +
        `A window of ${formatNumber(window)} needs as many.`,
      'Open a larger workspace, or choose a smaller factor.',
    );
  const { stored, isUsed } = await extendWindow(checkpoint, decoder, {
    factor,
    // As much again, on which the factors are compared with reading without them.
    text: tokens.slice(0, 2 * window),
    objective: 'perplexity',
    ...(signal ? { signal } : {}),
    onProgress: ({ evaluations, total }) => onProgress(evaluations, total),
  });
  return { window: isUsed ? window : decoder.config.maxPositions, isUsed, note: stored.note };
}
