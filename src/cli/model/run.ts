import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { calibrate, generate, measurePerplexity, replaceFile, storeFactors, type DcisState } from '../../engine';
import { UsageError } from '../arguments';
import { openModel, policyOf, requireTokenizer, type Opened } from './opened';
import { ENGINE_OPTIONS, list, number, oneOf, parseOptions, readIds, text, type ModelIo, type Values } from './options';

const MAX_TOKENS = 256;

export const GENERATE_USAGE =
  'generate DIR|NAME (--prompt TEXT | --file FILE) [--chat] [--system TEXT] [--max-tokens N] [--temperature ' +
  ('T] [--top-k N] [--top-p P] [--min-p P] [--repetition-penalty R] [--seed N] [--stop TEXT]… [--cut ' +
    ('refuse|keepEnd|keepBothEnds] [--capacity N] [--attention full|lambda|anchors] [--window N] [--sinks N] ' +
      '[--anchor-every N] [--rope NAME] [--adapter DIR]… [--weights FORMAT] [--threads N] [--json]'));

/** Writes on from a prompt. */
export async function runGenerate(argv: readonly string[], io: ModelIo): Promise<number> {
  const flags = [
    'prompt',
    'file',
    'system',
    'max-tokens',
    'temperature',
    'top-k',
    'top-p',
    'min-p',
    'repetition-penalty',
    'seed',
    'cut',
    'capacity',
  ];
  const options = {
    ...ENGINE_OPTIONS,
    ...Object.fromEntries(flags.map((name) => [name, { type: 'string' as const }])),
    stop: { type: 'string' as const, multiple: true },
    chat: { type: 'boolean' as const },
  };
  const { values, operands } = parseOptions(argv, options, 1, GENERATE_USAGE);
  const prompt = await promptText(values);
  const opened = await openModel(operands[0] as string, values, io);
  try {
    const tokenizer = requireTokenizer(opened, 'measure it with `model perplexity --ids`.');
    const ids = await promptIds(prompt, values, opened);
    const { decoder } = opened;
    const context = decoder.newContext(
      policyOf(values, opened)(),
      number(values, 'capacity', 1, 1 << 28) ?? decoder.config.maxPositions,
    );
    const started = performance.now();
    let first = 0;
    const result = await generate(
      decoder,
      context,
      ids,
      {
        // Unless told how much to write: as much as there is room for behind the prompt.
        maxNewTokens:
          number(values, 'max-tokens', 1, 1 << 20) ??
          Math.max(1, Math.min(MAX_TOKENS, context.free - context.rowsNeeded(ids) + 1)),
        sampling: {
          ...given('temperature', number(values, 'temperature', 0, 100, false)),
          ...given('topK', number(values, 'top-k', 0, 1 << 20)),
          ...given('topP', number(values, 'top-p', 1e-9, 1, false)),
          ...given('minP', number(values, 'min-p', 0, 1, false)),
          ...given('repetitionPenalty', number(values, 'repetition-penalty', 0.001, 100, false)),
          ...given('seed', number(values, 'seed', 0, 2 ** 32 - 1)),
        },
        stopStrings: list(values, 'stop'),
        cut: oneOf(values, 'cut', ['refuse', 'keepEnd', 'keepBothEnds']) ?? 'refuse',
        ...(io.signal ? { signal: io.signal } : {}),
        onToken: () => (first ||= performance.now()),
        onText: (piece) => (values['json'] ? undefined : io.stream(piece)),
      },
      tokenizer,
    );
    const written = performance.now();
    const figures = {
      promptTokens: result.promptTokens,
      newTokens: result.tokens.length,
      reason: result.reason,
      seed: result.seed,
      readMs: first - started,
      writeMs: written - first,
      rows: context.ledger().rows,
    };
    if (values['json'])
      await io.out(JSON.stringify({ text: result.text, ...figures, ...(result.cut ? { cut: result.cut } : {}) }));
    else {
      await io.out('');
      if (result.cut)
        io.note(
          `The prompt did not fit: tokens ${result.cut.from} to ${result.cut.to - 1} were left out (rule ` +
            `${result.cut.rule}).`,
        );
      const rate = figures.newTokens > 1 ? ((figures.newTokens - 1) / figures.writeMs) * 1000 : 0;
      io.note(
        `${figures.promptTokens} tokens read in ${(figures.readMs / 1000).toFixed(2)} s, ` +
          `${figures.newTokens} written${rate > 0 ? ` at ${rate.toFixed(1)} tokens/s` : ''}, ended by ${result.reason}`,
      );
    }
    return result.reason === 'cancelled' ? 130 : 0;
  } finally {
    await opened.close();
  }
}

async function promptText(values: Values): Promise<string> {
  const [prompt, file] = [text(values, 'prompt'), text(values, 'file')];
  if ((prompt === undefined) === (file === undefined))
    throw new UsageError('Give --prompt TEXT or --file FILE.', 'model');
  return prompt ?? readText(file as string, 'file');
}

async function readText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--${option} ${file}: ${(error as Error).message}`, 'model');
  }
}

async function promptIds(prompt: string, values: Values, { tokenizer, checkpoint }: Opened): Promise<number[]> {
  if (!tokenizer) return [];
  if (!values['chat']) {
    const ids = tokenizer.encode(prompt);
    // A base model without a begin token of its own and an empty prompt: start from the checkpoint's.
    return ids.length > 0 ? ids : [checkpoint.config.bosTokenId ?? 0];
  }
  const template = await checkpoint.openChatTemplate();
  if (!template)
    throw new UsageError(`${checkpoint.path} has no chat template; it is a base model. Leave --chat out.`, 'model');
  const system = text(values, 'system');
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content: prompt },
  ];
  return tokenizer.encode(
    template.render(messages, {
      ...given('bosToken', tokenizer.namedToken('bos_token')),
      ...given('eosToken', tokenizer.namedToken('eos_token')),
    }),
    { addSpecialTokens: false },
  );
}

export const PERPLEXITY_USAGE =
  'perplexity DIR|NAME (--text FILE | --ids FILE) [--attention full|lambda|anchors] [--window N] [--sinks N] ' +
  '[--anchor-every N] [--rope NAME] [--limit N] [--adapter DIR]… [--weights FORMAT] [--threads N] [--json]';

/** Mean negative log-likelihood by position, and the most rows held. */
export async function runPerplexity(argv: readonly string[], io: ModelIo): Promise<number> {
  const options = {
    ...ENGINE_OPTIONS,
    text: { type: 'string' as const },
    ids: { type: 'string' as const },
    limit: { type: 'string' as const },
  };
  const { values, operands } = parseOptions(argv, options, 1, PERPLEXITY_USAGE);
  const opened = await openModel(operands[0] as string, values, io);
  try {
    const limit = number(values, 'limit', 2, 1 << 28) ?? Infinity;
    const rows = (await tokenRows(values, opened)).map((row) => (row.length > limit ? row.slice(0, limit) : row));
    let told = performance.now();
    const report = await measurePerplexity(opened.decoder, rows, {
      policy: policyOf(values, opened),
      ...(io.signal ? { signal: io.signal } : {}),
      onProgress: (read, total) => {
        if (performance.now() - told < 2000) return;
        told = performance.now();
        io.note(`${read} of ${total} tokens`);
      },
    });
    if (values['json']) {
      await io.out(
        JSON.stringify({ buckets: report.buckets.map(({ from, to, nll }) => ({ from, to, nll })), rows: report.rows }),
      );
    } else {
      for (const { from, to, nll, tokens } of report.buckets)
        await io.out(
          `${`${from}–${to}`.padEnd(16)} nll ${nll.toFixed(4)}   perplexity ${Math.exp(nll).toFixed(2)}   ` +
            `${tokens} tokens`,
        );
      // A model's own anchors are put in when text is made ready for it, and are not in the text itself.
      if (text(values, 'attention') === 'anchors' && report.rows + 1 >= Math.max(...rows.map((row) => row.length)))
        io.note('No token of it was an anchor, so every row was kept; --anchor-every N makes each N-th token one.');
      await io.out(
        `${'all'.padEnd(16)} nll ${report.nll.toFixed(4)}   perplexity ${Math.exp(report.nll).toFixed(2)}   ` +
          `${report.tokens} tokens\nat most ${report.rows} rows held`,
      );
    }
    return 0;
  } finally {
    await opened.close();
  }
}

async function tokenRows(values: Values, opened: Opened): Promise<number[][]> {
  const [file, ids] = [text(values, 'text'), text(values, 'ids')];
  if ((file === undefined) === (ids === undefined)) throw new UsageError('Give --text FILE or --ids FILE.', 'model');
  if (ids !== undefined) return readIds(ids, opened.decoder.config.vocabSize);
  const row = requireTokenizer(opened, 'give --ids FILE.').encode(await readText(file as string, 'text'));
  if (row.length < 2) throw new UsageError(`--text ${file}: has fewer than two tokens.`, 'model');
  return [row];
}

export const CALIBRATE_USAGE =
  'calibrate DIR|NAME --factor S (--text FILE | --ids FILE) [--objective perplexity|needles] [--name NAME] ' +
  '[--rows N] [--seed N] [--weights FORMAT] [--threads N] [--json]';

/**
 * Finds rotary factors for a longer window and writes them beside the checkpoint. An interrupted search goes on when
 * called again.
 */
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
  const opened = await openModel(operands[0] as string, values, io);
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
    if (state) io.note(`going on after ${state.evaluations} evaluations`);
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
        // A segment that is settled is a step too, without an evaluation.
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
        : `${stored.note}\nUse it with --rope ${name}`,
    );
    return 0;
  } finally {
    await opened.close();
  }
}

/** The state of a search, kept beside the checkpoint while it runs; of another search it is ignored. */
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

  /** At most once a second: what is lost by a crash is a second's work. */
  async write(state: DcisState, last: boolean): Promise<void> {
    if (!last && performance.now() - this.written < 1000) return;
    await replaceFile(this.path, JSON.stringify({ key: this.key, state }));
    this.written = performance.now();
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
