/** `anchorage model calibrate` */
import { extendWindow } from '../../engine';
import { UsageError } from '../arguments';
import { tokenRows } from './inputs';
import { openModel } from './opened';
import { number, oneOf, parseOptions, text, type ModelIo } from './options';

export const CALIBRATE_USAGE =
  'calibrate DIR|NAME --factor S (--text FILE | --ids FILE) [--objective perplexity|needles] [--name NAME] ' +
  '[--published] [--rows N] [--seed N] [--weights FORMAT] [--threads N] [--json]';

const RUNS = 'The model runs with it from now on; --rope config runs it without.';

/** Finds rotary factors for a longer window and stores them beside the checkpoint. Resumes an interrupted search. */
export async function runCalibrate(argv: readonly string[], io: ModelIo): Promise<number> {
  const names = ['factor', 'text', 'ids', 'objective', 'name', 'rows', 'seed', 'weights', 'threads'];
  const { values, operands } = parseOptions(
    argv,
    {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      json: { type: 'boolean' },
      published: { type: 'boolean' },
    },
    1,
    CALIBRATE_USAGE,
  );
  const factor = number(values, 'factor', 1.01, 1024, false);
  if (factor === undefined) throw new UsageError('Give --factor S: how many times the trained window.', 'model');
  const opened = await openModel(operands[0] as string, { ...values, rope: 'config' }, io);
  try {
    const { checkpoint, decoder } = opened;
    const objective = oneOf(values, 'objective', ['perplexity', 'needles']) ?? 'perplexity';
    const given = text(values, 'name');
    const tokens = (await tokenRows(values, opened)).flat();
    const rows = number(values, 'rows', 1, 64) ?? 1;
    const seed = number(values, 'seed', 0, 2 ** 32 - 1) ?? 0;
    const needed = Math.floor(checkpoint.config.rope.originalMaxPositions * factor);
    if (tokens.length < needed)
      throw new UsageError(
        `The text has ${tokens.length} tokens; calibrating for ${factor} × ` +
          `${checkpoint.config.rope.originalMaxPositions} needs at least ${needed}.`,
        'model',
      );
    const { name, stored, result, isUsed } = await extendWindow(checkpoint, decoder, {
      factor,
      text: tokens,
      objective,
      rows,
      seed,
      ...(given === undefined ? {} : { name: given }),
      ...(values['published'] ? { asPublished: true } : {}),
      ...(io.signal ? { signal: io.signal } : {}),
      onResume: (evaluations) => io.note(`Resuming after ${evaluations} evaluations.`),
      onProgress: ({ evaluations, total, best }) => {
        if (evaluations % 10 !== 1 && evaluations !== total) return;
        io.note(`${evaluations} of ${total} evaluations, best ${best.toPrecision(5)}`);
      },
    });
    await io.out(
      values['json']
        ? JSON.stringify({ name, ...stored, factors: [...stored.factors], evaluations: result.evaluations, isUsed })
        : `${stored.note}\n${isUsed ? RUNS : `--rope ${name} runs the model with them.`}`,
    );
    return 0;
  } finally {
    await opened.close();
  }
}
