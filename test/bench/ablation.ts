/**
 * `npm run bench -- ablation [--model FILE] [--window N] [--examples FILE] [--out FILE] [--sample] [--threads N]`:
 * removes each of the five systems in turn, and reports the change in what users are shown, with paired 95% intervals.
 *
 * - LM-Infinite: numbers hidden in a text of four windows (--model, the bundled reader's base), told by reading it
 *   whole or cut to the window; next tokens of a small model beyond its window.
 * - LongLoRA: facts that the bundled reader tells from evidence with its adapter and without (--model, --examples: the
 *   file of test questions that models/recipe/reader makes).
 * - DCIS: next tokens of the small model beyond its window, with factors and without.
 * - UIO-LLMs: right files shown first, with the workspace's memory rows as they are, zeroed, and without a memory.
 * - AnLLM: no model that comes with the product and writes was trained with anchors, so there is nothing to remove.
 *
 * Outcomes are kept in --out after each part. A second run goes on where the first ended; `--only SYSTEM` measures one.
 *
 * The last line is what README says of the five systems; a test compares the two. `--sample` takes a minute, needs no
 * model and runs in the tests.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readerAdapter } from './ablation/adapter';
import { smallModel } from './ablation/long-texts';
import { workspaceMemories } from './ablation/memories';
import { longText } from './ablation/needles';
import { effectOf, rowOf, sentencesOf, type Outcome, type System } from './ablation/outcome';
import { table } from './engine/measure';
import { openSubject } from './window/subject';

export async function run(args: readonly string[] = []): Promise<void> {
  const option = (name: string): string | undefined =>
    args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : undefined;
  const threads = Number(option('threads') ?? 2);
  const isSample = args.includes('--sample');
  const [model, examples, window] = [option('model'), option('examples'), option('window')];
  const [out, only] = [option('out'), option('only')];
  const outcomes: Outcome[] = out && existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as Outcome[]) : [];
  const part = async (name: string, systems: readonly System[], work: () => Promise<Outcome[]>): Promise<void> => {
    if ((only && !systems.some((system) => system === only)) || outcomes.some((done) => done.part === name)) return;
    for (const outcome of await work()) {
      outcomes.push({ ...outcome, part: name });
      process.stderr.write(`${JSON.stringify(rowOf(effectOf(outcome)))}\n`);
    }
    if (out) writeFileSync(out, JSON.stringify(outcomes));
  };
  if (model) {
    await part('long text', ['LM-Infinite'], async () => {
      const subject = await openSubject(model, { window: window ? Number(window) : undefined, times: 4, threads });
      const outcome = await longText(subject, 20, 1);
      await subject.decoder.close();
      return [outcome];
    });
    if (examples)
      await part('reader', ['LongLoRA'], async () => [
        await readerAdapter(model, examples, Number(option('questions') ?? 16), threads),
      ]);
  }
  await part('small model', ['LM-Infinite', 'DCIS'], smallModel);
  await part('no anchors', ['AnLLM'], () => Promise.resolve([NO_ANCHORS]));
  const [folder, questions] = isSample ? ['src/engine/attention', 8] : ['src/engine', 60];
  await part('workspace', ['UIO-LLMs'], () => workspaceMemories(folder, questions, threads));
  const effects = outcomes.map(effectOf);
  table('What is shown with each system and without it', effects.map(rowOf));
  console.log(`README: ${sentencesOf(effects)}`);
}

const NO_ANCHORS: Outcome = {
  system: 'AnLLM',
  removed: 'nothing: no model that writes was trained with anchors',
  shown: 'none',
  subject: 'no answer',
  with: [],
  without: [],
};
