import { readFileSync } from 'node:fs';
import { Decoder, openCheckpoint, type ChatTemplate, type Tokenizer } from '../../../src/engine';
import { sharedData } from '../../shared-data';
import { benchCache } from '../engine/measure';

/** A model and a long text. */
export interface Subject {
  decoder: Decoder;
  tokenizer: Tokenizer;
  template: ChatTemplate | undefined;
  text: string;
  /** Tokens: the trained window, or less. */
  window: number;
  /** Length of the text in windows. */
  times: number;
}

/** @param window less than the trained window reads as if the model had been trained so, and takes less time */
export async function openSubject(
  model: string,
  { window, times, threads }: { window?: number | undefined; times: number; threads: number },
): Promise<Subject> {
  const file = sharedData('text/war_and_peace.txt');
  if (!file) throw new Error('The text is in the shared data, which is missing.');
  const checkpoint = await openCheckpoint(model);
  const tokenizer = await checkpoint.openTokenizer();
  const template = await checkpoint.openChatTemplate();
  const decoder = await Decoder.open(checkpoint, { cacheDirectory: benchCache('compiled'), threads });
  await checkpoint.close();
  const text = readFileSync(file, 'utf8');
  return { decoder, tokenizer, template, text, window: window ?? decoder.config.maxPositions, times };
}
