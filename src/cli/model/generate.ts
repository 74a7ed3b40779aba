/** `anchorage model generate` */
import { anchorRows, generate, readingRows, ropeFrequencies } from '../../engine';
import { UsageError } from '../arguments';
import { readText } from './inputs';
import { anchored, openModel, policyOf, requireTokenizer, type Opened } from './opened';
import { ENGINE_OPTIONS, list, number, oneOf, parseOptions, text, type ModelIo, type Values } from './options';

const MAX_TOKENS = 256;

export const GENERATE_USAGE =
  'generate DIR|NAME (--prompt TEXT | --file FILE) [--chat] [--system TEXT] [--max-tokens N] ' +
  '[--temperature T] [--top-k N] [--top-p P] [--min-p P] [--repetition-penalty R] [--seed N] [--stop ' +
  'TEXT]… [--cut refuse|keepEnd|keepBothEnds] [--capacity N] [--attention auto|full|lambda|anchors] ' +
  '[--window N] [--sinks N] [--look-back BLOCKS] [--middle-k N] [--anchor-every N] [--rope NAME] ' +
  '[--adapter DIR]… [--weights FORMAT] [--threads N] [--json]';

/** Continues a prompt. */
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
    const { decoder, anchorRule } = opened;
    const most = number(values, 'max-tokens', 1, 1 << 20);
    const ids = anchored(await promptIds(prompt, values, opened), values, opened, 'auto', most ?? MAX_TOKENS);
    const tokens = ids.length + (most ?? MAX_TOKENS);
    const policy = policyOf(values, opened, tokens, 'auto')();
    const context = decoder.newContext(
      policy,
      number(values, 'capacity', 1, 1 << 28) ??
        (policy.ceiling === Infinity
          ? decoder.config.maxPositions
          : readingRows(policy, tokens) + anchorRows(anchorRule, tokens)),
      { rope: ropeFrequencies(decoder.config.rope, Math.min(tokens, policy.ceiling)) },
    );
    const started = performance.now();
    let first = 0;
    const result = await generate(
      decoder,
      context,
      ids,
      {
        // Default: as much as fits behind the prompt.
        maxNewTokens: most ?? Math.max(1, Math.min(MAX_TOKENS, context.free - context.rowsNeeded(ids) + 1)),
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

async function promptIds(prompt: string, values: Values, { tokenizer, checkpoint }: Opened): Promise<number[]> {
  if (!tokenizer) return [];
  if (!values['chat']) {
    const ids = tokenizer.encode(prompt);
    // An empty prompt of a base model without a begin token starts with the checkpoint's.
    return ids.length > 0 ? ids : [checkpoint.config.bosTokenId ?? 0];
  }
  const template = await checkpoint.openChatTemplate();
  if (!template)
    throw new UsageError(`${checkpoint.path} has no chat template; it is a base model. Omit --chat.`, 'model');
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

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
