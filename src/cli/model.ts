/** `anchorage model …`: install, inspect, run and measure checkpoints. */
import { formatBytes, formatNumber } from '../base';
import { stat } from 'node:fs/promises';
import {
  CheckpointError,
  chooseWeights,
  DecoderError,
  openCheckpoint,
  parameterCount,
  storedRopeNames,
} from '../engine';
import {
  addAdapter,
  CATALOGUE,
  downloadBytes,
  downloadModel,
  HubError,
  importModel,
  listModels,
  memoryBytes,
  parametersOf,
  removeModel,
} from '../hub';
import { UsageError } from './arguments';
import { resolveModel } from './model/opened';
import { parseOptions, terminalIo, text, type ModelIo } from './model/options';
import { note } from './write';
import { CALIBRATE_USAGE, runCalibrate } from './model/calibrate';
import { GENERATE_USAGE, runGenerate } from './model/generate';
import { PERPLEXITY_USAGE, runPerplexity } from './model/perplexity';

export { terminalIo, type ModelIo };

type Run = (argv: readonly string[], io: ModelIo) => Promise<number>;

const LIST_USAGE = 'list [--json]';
const ADD_USAGE = 'add OWNER/NAME|FOLDER [--as NAME] [--revision REV] [--endpoint URL] [--json]';
const ADAPT_USAGE = 'adapt DIR|NAME FOLDER [--as NAME]';
const REMOVE_USAGE = 'remove NAME';
const INFO_USAGE = 'info DIR|NAME [--json]';

/** Context length for memory estimates. */
const ESTIMATE_TOKENS = 8192;

const COMMANDS: Readonly<Record<string, { usage: string; summary: string; run: Run }>> = {
  list: { usage: LIST_USAGE, summary: 'List installed models, and recommended ones.', run: runList },
  add: { usage: ADD_USAGE, summary: 'Download a model from the hub, or copy a checkpoint folder.', run: runAdd },
  adapt: { usage: ADAPT_USAGE, summary: 'Add a LoRA adapter to a model; it runs with it.', run: runAdapt },
  remove: {
    usage: REMOVE_USAGE,
    summary: 'Delete an installed model or a partial download.',
    run: runRemove,
  },
  info: { usage: INFO_USAGE, summary: 'Show the properties and memory needs of a checkpoint.', run: runInfo },
  generate: { usage: GENERATE_USAGE, summary: 'Continue a prompt.', run: runGenerate },
  perplexity: {
    usage: PERPLEXITY_USAGE,
    summary: 'Mean negative log-likelihood by position, under any attention.',
    run: runPerplexity,
  },
  calibrate: {
    usage: CALIBRATE_USAGE,
    summary: 'Find rotary factors for a longer window on your own text (DCIS).',
    run: runCalibrate,
  },
};

export function modelHelp(): string {
  const lines = Object.values(COMMANDS).flatMap(({ usage, summary }) => [
    `  anchorage model ${usage}`,
    `      ${summary}`,
  ]);
  return [
    'Usage:',
    ...lines,
    '',
    'DIR is a checkpoint: a folder with config.json, *.safetensors and tokenizer.json, or a .gguf file. ' +
      '--rope takes config, linear:S, ntk:S, yarn:S, or a name',
    'that `model calibrate` stored. ANCHORAGE_HUB or --endpoint names a mirror of the hub.',
  ].join('\n');
}

/**
 * Runs `anchorage model ARGS…`.
 *
 * @returns the exit code
 * @throws UsageError for wrong arguments; CheckpointError, DecoderError, HubError for failures
 */
export async function modelCommand(args: readonly string[], io: ModelIo = terminalIo()): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h' || rest.includes('--help')) {
    await io.out(modelHelp());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`There is no command “model ${name}”.`, 'model');
  return command.run(rest, io);
}

/** Runs `anchorage model` in a terminal. Prints errors of checkpoint, hub and engine without a stack. */
export async function modelMain(args: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    return await modelCommand(args, terminalIo(signal));
  } catch (error) {
    if (
      signal.aborted ||
      !(error instanceof CheckpointError || error instanceof DecoderError || error instanceof HubError)
    )
      throw error;
    note(error.message);
    return 1;
  }
}

async function runList(argv: readonly string[], io: ModelIo): Promise<number> {
  const { values } = parseOptions(argv, { json: { type: 'boolean' } }, 0, LIST_USAGE);
  const installed = await listModels(io.modelsDirectory);
  const offered = CATALOGUE.map((entry) => ({
    repository: entry.repository,
    title: entry.title,
    licence: entry.licence,
    contextTokens: entry.contextTokens,
    note: entry.note,
    downloadBytes: downloadBytes(entry.shape),
    memoryBytes: memoryBytes(entry.shape, ESTIMATE_TOKENS),
    installed: installed.some(({ name }) => name === entry.repository.replace('/', '--')),
  }));
  if (values['json']) {
    await io.out(JSON.stringify({ installed, offered }, undefined, 2));
    return 0;
  }
  const own = installed.map(
    ({ name, bytes, source }) => `  ${name.padEnd(46)} ${formatBytes(bytes).padStart(7)}  ${source?.licence ?? ''}`,
  );
  const others = offered
    .filter((entry) => !entry.installed)
    .map(
      (entry) =>
        `  ${entry.repository.padEnd(46)} ${formatBytes(entry.downloadBytes).padStart(7)}  ` +
        `${formatBytes(entry.memoryBytes).padStart(7)} of memory  ${entry.licence}  ${entry.note}`,
    );
  await io.out(
    [
      `Installed in ${io.modelsDirectory}:`,
      ...(own.length > 0 ? own : ['  none']),
      '',
      `To install with \`anchorage model add\` (memory at ${formatNumber(ESTIMATE_TOKENS)} tokens):`,
      ...others,
    ].join('\n'),
  );
  return 0;
}

async function runAdd(argv: readonly string[], io: ModelIo): Promise<number> {
  const { values, operands } = parseOptions(
    argv,
    { as: { type: 'string' }, revision: { type: 'string' }, endpoint: { type: 'string' }, json: { type: 'boolean' } },
    1,
    ADD_USAGE,
  );
  const what = operands[0] as string;
  const model = (await isFolder(what))
    ? await importModel(io.modelsDirectory, what, text(values, 'as'))
    : await download(what, values, io);
  await io.out(
    values['json']
      ? JSON.stringify(model)
      : `${model.name}: ${formatBytes(model.bytes)} in ` +
          `${model.directory}${model.source?.licence ? `, licence ${model.source.licence}` : ''}`,
  );
  return 0;
}

async function download(repository: string, values: Parameters<typeof text>[0], io: ModelIo) {
  if (!/^[\w-][\w.-]*\/[\w.-]+$/u.test(repository))
    throw new UsageError(`“${repository}” is neither an existing folder nor OWNER/NAME of a model.`, 'model');
  const endpoint = text(values, 'endpoint') ?? io.endpoint;
  const revision = text(values, 'revision');
  const known = CATALOGUE.find((entry) => entry.repository === repository);
  if (known)
    io.note(
      `${known.title}: about ${formatBytes(downloadBytes(known.shape))} to download, ` +
        `${formatBytes(memoryBytes(known.shape, ESTIMATE_TOKENS))} of memory, licence ${known.licence}`,
    );
  let told = -1;
  return downloadModel(io.modelsDirectory, repository, {
    fetch: io.fetch,
    ...(endpoint ? { endpoint } : {}),
    ...(revision ? { revision } : {}),
    ...(io.signal ? { signal: io.signal } : {}),
    onProgress: ({ bytes, total, file }) => {
      const percent = total === 0 ? 100 : Math.floor((100 * bytes) / total);
      if (percent < told + 5) return;
      told = percent;
      io.note(`${percent}% of ${formatBytes(total)} (${file})`);
    },
  });
}

async function runAdapt(argv: readonly string[], io: ModelIo): Promise<number> {
  const { values, operands } = parseOptions(argv, { as: { type: 'string' } }, 2, ADAPT_USAGE);
  const model = await resolveModel(operands[0] as string, io);
  await io.out(await addAdapter(model, operands[1] as string, text(values, 'as')));
  return 0;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function runRemove(argv: readonly string[], io: ModelIo): Promise<number> {
  const { operands } = parseOptions(argv, {}, 1, REMOVE_USAGE);
  await io.out(`${formatBytes(await removeModel(io.modelsDirectory, operands[0] as string))} freed`);
  return 0;
}

async function runInfo(argv: readonly string[], io: ModelIo): Promise<number> {
  const { values, operands } = parseOptions(argv, { json: { type: 'boolean' } }, 1, INFO_USAGE);
  const directory = await resolveModel(operands[0] as string, io);
  const checkpoint = await openCheckpoint(directory);
  try {
    const { config } = checkpoint;
    const tokenizer = await checkpoint.openTokenizer().then(
      (opened) => `${opened.size} tokens`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const weights = chooseWeights(config);
    const info = {
      directory,
      architecture: config.architecture,
      parameters: parametersOf(config),
      layers: config.layers,
      hiddenSize: config.hiddenSize,
      heads: `${config.queryHeads}/${config.kvHeads} × ${config.headDim}`,
      vocabulary: config.vocabSize,
      trainedWindow: config.rope.originalMaxPositions,
      maxPositions: config.maxPositions,
      rope: config.rope.scaling.type,
      ropeNames: await storedRopeNames(checkpoint.ropeFile),
      weights,
      memoryBytes: Math.round(memoryBytes(config, Math.min(config.maxPositions, ESTIMATE_TOKENS), weights)),
      tokenizer,
      fingerprint: checkpoint.fingerprint,
    };
    if (values['json']) await io.out(JSON.stringify(info, undefined, 2));
    else {
      const rows: [string, string][] = [
        ['folder', directory],
        [
          'architecture',
          `${info.architecture}, ${(parameterCount(config) / 1e6).toFixed(1)} M parameters, ${info.layers} ` +
            `layers of ${info.hiddenSize}, heads ${info.heads}`,
        ],
        ['vocabulary', `${info.vocabulary}; tokenizer: ${tokenizer}`],
        [
          'window',
          `${info.trainedWindow} tokens trained, ${info.maxPositions} admitted, rope ` +
            `${info.rope}${info.ropeNames.length > 0 ? `; stored factors: ${info.ropeNames.join(', ')}` : ''}`,
        ],
        [
          'needs',
          `${formatBytes(info.memoryBytes)} of memory with ${weights} weights at ` +
            `${Math.min(config.maxPositions, ESTIMATE_TOKENS)} tokens`,
        ],
        ['fingerprint', info.fingerprint],
      ];
      await io.out(rows.map(([label, value]) => `${label.padEnd(14)}${value}`).join('\n'));
    }
    return 0;
  } finally {
    await checkpoint.close();
  }
}
