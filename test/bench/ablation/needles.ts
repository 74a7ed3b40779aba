/** LM-Infinite on a real model: needles of a long text read under Λ, against the text cut to the window. */
import { toldNeedles } from '../window/told';
import type { Subject } from '../window/subject';
import type { Outcome } from './outcome';

export async function longText(subject: Subject, count: number, seed: number): Promise<Outcome> {
  const { told } = await toldNeedles(subject, { count, heads: 0, seed, only: ['back', 'cut'] });
  return {
    system: 'LM-Infinite',
    removed: 'the text cut to the window',
    shown: 'hidden numbers told',
    subject: `SmolLM2-135M, ${subject.times} windows of ${subject.window} tokens`,
    with: (told.get('back') ?? []).map(Number),
    without: (told.get('cut') ?? []).map(Number),
  };
}
