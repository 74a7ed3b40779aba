/** `anchorage model calibrate` */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrate, replaceFile, storeFactors, type DcisState } from '../../engine';
import { UsageError } from '../arguments';
import { tokenRows } from './inputs';
import { openModel } from './opened';
import { number, oneOf, parseOptions, text, type ModelIo } from './options';

export const CALIBRATE_USAGE =
  'calibrate DIR|NAME --factor S (--text FILE | --ids FILE) [--objective perplexity|needles] [--name NAME] ' +
  '[--rows N] [--seed N] [--weights FORMAT] [--threads N] [--json]';

/** Finds rotary factors for a longer window and stores them beside the checkpoint. Resumes an interrupted search. */
export async function runCalibrate(argv: readonly string[], io: ModelIo): Promise<number> {
  const names = ['factor', 'text', 'ids', 'objective', 'name', 'rows', 'seed', 'weights', 'threads'];
  const { values, operands } = parseOptions(
    argv,
    { ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])), json: { type: 'boolean' } },
    1,
    CALIBRATE_USAGE,
  );
  const factor = number(values, 'factor', 1.01, 1024, false);
  if (factor === undefined) throw new UsageError('Give --factor S: how many times the trained window.', 'model');
  const opened = await openModel(operands[0] as string, { ...values, rope: 'config' }, io);
  try {
    const { checkpoint, decoder } = opened;
    const objective = oneOf(values, 'objective', ['perplexity', 'needles']) ?? 'perplexity';
    const name = text(values, 'name') ?? `dcis-${factor}x${objective === 'needles' ? '-needles' : ''}`;
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
    const interrupted = new SearchFile(
      join(checkpoint.directory, `rope_search_${name}.json`),
      JSON.stringify([
        checkpoint.fingerprint,
        factor,
        objective,
        rows,
        seed,
        decoder.weights,
        createHash('sha256').update(tokens.join()).digest('hex'),
      ]),
    );
    const state = await interrupted.read();
    if (state) io.note(`Resuming after ${state.evaluations} evaluations.`);
    let told = 0;
    const { stored, result } = await calibrate(decoder, {
      factor,
      text: tokens,
      objective,
      rows,
      seed,
      ...(state ? { state } : {}),
      ...(io.signal ? { signal: io.signal } : {}),
      onStep: async (now, { evaluations, total, best }) => {
        await interrupted.write(now, evaluations === total);
        // A step that only finishes a segment evaluates nothing.
        if (evaluations === told || (evaluations % 10 !== 1 && evaluations !== total)) return;
        told = evaluations;
        io.note(`${evaluations} of ${total} evaluations, best ${best.toPrecision(5)}`);
      },
    });
    await storeFactors(checkpoint.directory, checkpoint.config.rope, name, stored);
    await interrupted.remove();
    await io.out(
      values['json']
        ? JSON.stringify({ name, ...stored, factors: [...stored.factors], evaluations: result.evaluations })
        : `${stored.note}\nThe model runs with it from now on; --rope config runs it without.`,
    );
    return 0;
  } finally {
    await opened.close();
  }
}

/** The state of a running search, stored beside the checkpoint. A search with another key ignores it. */
class SearchFile {
  private readonly path: string;
  private readonly key: string;
  private written = 0;

  constructor(path: string, key: string) {
    this.path = path;
    this.key = key;
  }

  async read(): Promise<DcisState | undefined> {
    try {
      const { key, state } = JSON.parse(await readFile(this.path, 'utf8')) as { key?: unknown; state?: DcisState };
      return key === this.key ? state : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes at most once a second, so a crash loses a second of work. */
  async write(state: DcisState, last: boolean): Promise<void> {
    if (!last && performance.now() - this.written < 1000) return;
    await replaceFile(this.path, JSON.stringify({ key: this.key, state }));
    this.written = performance.now();
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
