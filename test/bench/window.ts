/**
 * `npm run bench -- window PART --model FILE [--times 4] [--window N] [--threads 2]`: a text longer than the model's
 * trained window, from the shared data. `--window` reads as if the window were shorter, which takes less time.
 *
 * - `needles [--needles 20] [--heads 4] [--arms back,lambda,cut,heads]`: needles told from all depths, when the text is
 *   truncated, read under Λ, and read under Λ with a look back by blocks. `--heads` asks so many of them by the best
 *   rows of each head too, which takes long. Then bytes and processor time by position.
 * - `perplexity`: nats of stretches beyond the window under Λ, with and without looking back, beside reading the whole
 *   window before each stretch again.
 */
import { comparePerplexity } from './window/perplexity';
import { openSubject } from './window/subject';
import { tellNeedles, type Asked } from './window/told';

export async function run([part, ...rest]: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined =>
    rest.includes(`--${name}`) ? rest[rest.indexOf(`--${name}`) + 1] : undefined;
  const count = (name: string, standard: number): number => Number(option(name) ?? standard);
  const model = option('model');
  if (!model) throw new Error('Name --model.');
  const window = option('window') === undefined ? undefined : count('window', 0);
  const subject = await openSubject(model, { window, times: count('times', 4), threads: count('threads', 2) });
  const arms = option('arms')?.split(',') as Asked['only'];
  const needles = {
    count: count('needles', 20),
    heads: count('heads', 0),
    seed: count('seed', 1),
    ...(arms ? { only: arms } : {}),
  };
  if (part === 'needles') await tellNeedles(subject, needles);
  else if (part === 'perplexity') await comparePerplexity(subject);
  else throw new Error('Parts: needles, perplexity');
  await subject.decoder.close();
}
