/**
 * `npm run bench -- window PART --model FILE [--times 4] [--window N] [--threads 2]`: a text longer than the model's
 * trained window, from the shared data. `--window` reads as if the window were shorter, which takes less time.
 *
 * - `needles [--needles 20] [--heads 4]`: needles told from all depths, when the text is truncated, read under Λ, and
 *   read under Λ with a look back by blocks. `--heads` asks so many of them by the best rows of each head too, which
 *   takes long. Then bytes and processor time by position.
 * - `perplexity`: nats of stretches beyond the window under Λ, with and without looking back, beside reading the whole
 *   window before each stretch again.
 */
import { readFileSync } from 'node:fs';
import { Decoder, openCheckpoint, type ChatTemplate, type Tokenizer } from '../../src/engine';
import { sharedData } from '../shared-data';
import { benchCache } from './engine/measure';
import { tellNeedles } from './window/told';
import { comparePerplexity } from './window/perplexity';

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

export async function run([part, ...rest]: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined =>
    rest.includes(`--${name}`) ? rest[rest.indexOf(`--${name}`) + 1] : undefined;
  const model = option('model');
  const file = sharedData('text/war_and_peace.txt');
  if (!model || !file) throw new Error('Name --model; the text is in the shared data.');
  const checkpoint = await openCheckpoint(model);
  const tokenizer = await checkpoint.openTokenizer();
  const template = await checkpoint.openChatTemplate();
  const decoder = await Decoder.open(checkpoint, {
    cacheDirectory: benchCache('compiled'),
    threads: Number(option('threads') ?? 2),
  });
  await checkpoint.close();
  const text = readFileSync(file, 'utf8');
  const window = Number(option('window') ?? decoder.config.maxPositions);
  const subject: Subject = { decoder, tokenizer, template, text, window, times: Number(option('times') ?? 4) };
  if (part === 'needles')
    await tellNeedles(
      subject,
      Number(option('needles') ?? 20),
      Number(option('heads') ?? 0),
      Number(option('seed') ?? 1),
    );
  else if (part === 'perplexity') await comparePerplexity(subject);
  else throw new Error('Parts: needles, perplexity');
  await decoder.close();
}
