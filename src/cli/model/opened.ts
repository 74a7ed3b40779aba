import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  anchors,
  CheckpointError,
  compose,
  Decoder,
  full,
  intervalAnchors,
  isCheckpoint,
  lambda,
  lineEnds,
  openCheckpoint,
  parameterCount,
  middleRows,
  readAnchorRule,
  readingPolicy,
  tokenAnchors,
  withAdapters,
  withAnchors,
  type AnchorRule,
  type LookBack,
  type Tokenizer,
  type AttentionPolicy,
  type Checkpoint,
} from '../../engine';
import { UsageError } from '../arguments';
import { list, number, oneOf, text, type ModelIo, type Values } from './options';

/** An open checkpoint with its decoder. */
export interface Opened {
  checkpoint: Checkpoint;
  decoder: Decoder;
  /** Absent when the checkpoint has none. */
  tokenizer?: Tokenizer;
  /** Where the checkpoint was trained to find anchors. */
  anchorRule?: AnchorRule;
  close(): Promise<void>;
}

/** Parameters above which compiled weights are stored on disk. Smaller models compile faster than they are read. */
const KEPT_ON_DISK = 20e6;
/** Milliseconds before progress is shown. */
const PATIENCE = 1_000;
const WINDOW = 1024;
const SINKS = 8;
const ANCHOR_EVERY = 16;
const ATTENTION_NAMES = ['auto', 'full', 'lambda', 'anchors'] as const;
type AttentionName = (typeof ATTENTION_NAMES)[number];

/** Resolves a checkpoint's path or the name of an installed model. @throws UsageError when it is neither */
export async function resolveModel(name: string, io: ModelIo): Promise<string> {
  for (const path of [name, join(io.modelsDirectory, name.replace('/', '--'))]) {
    if (await isCheckpoint(path)) return path;
    // A folder without weights is accepted, because opening it names the missing file; an adapter's has a base.
    for (const file of ['config.json', 'adapter_config.json']) {
      const status = await stat(join(path, file)).catch(() => undefined);
      if (status?.isFile()) return path;
    }
  }
  throw new UsageError(
    `“${name}” is neither a checkpoint (a folder or a .gguf file) nor an installed model. \`anchorage model ` +
      `list\` shows the installed ones.`,
    'model',
  );
}

/** @throws UsageError, CheckpointError, DecoderError */
export async function openModel(name: string, values: Values, io: ModelIo): Promise<Opened> {
  const directory = await resolveModel(name, io);
  const weights = oneOf(values, 'weights', ['auto', 'f32', '8bit', '4bit']);
  const threads = number(values, 'threads', 1, 64);
  const { path, adapters } = await withAdapters(directory);
  const rope = text(values, 'rope');
  const checkpoint = await openCheckpoint(path, {
    adapters: [...adapters, ...list(values, 'adapter')],
    ...(rope === undefined ? {} : { rope }),
  });
  try {
    const tokenizer = await openTokenizer(checkpoint);
    const cacheDirectory =
      parameterCount(checkpoint.config) > KEPT_ON_DISK ? join(io.modelsDirectory, 'compiled') : null;
    const decoder = await Decoder.open(checkpoint, {
      cacheDirectory,
      onDamage: (message) => io.note(message),
      onProgress: tenths((share) => io.note(`Preparing the model for this machine: ${share}%`)),
      ...(weights ? { weights } : {}),
      ...(threads ? { threads } : {}),
    });
    const anchorRule = tokenizer && (await readAnchorRule(checkpoint.directory, tokenizer));
    const close = async () => {
      await decoder.close();
      await checkpoint.close();
    };
    return { checkpoint, decoder, close, ...(tokenizer ? { tokenizer } : {}), ...(anchorRule ? { anchorRule } : {}) };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Passes on every tenth, in percent. Small models are done at once and need none. */
function tenths(tell: (percent: number) => void): (share: number) => void {
  const started = performance.now();
  let told = 0;
  return (share) => {
    const tenth = Math.floor(share * 10) * 10;
    if (tenth === told || tenth === 100 || performance.now() - started < PATIENCE) return;
    told = tenth;
    tell(tenth);
  };
}

async function openTokenizer(checkpoint: Checkpoint): Promise<Tokenizer | undefined> {
  try {
    return await checkpoint.openTokenizer();
  } catch (error) {
    if (error instanceof CheckpointError && error.code === 'missing') return undefined;
    throw error;
  }
}

export function requireTokenizer({ tokenizer, checkpoint }: Opened, instead: string): Tokenizer {
  if (!tokenizer)
    throw new UsageError(`${checkpoint.path} has no tokenizer, so it cannot read text; ${instead}`, 'model');
  return tokenizer;
}

/**
 * The attention policy of the options, for texts of this many tokens.
 *
 * - `auto`: what the product uses. Full attention within the trained window; beyond it Λ, and the end of the text sees
 *   the best blocks of what left the window, or the model's anchors.
 * - `lambda`: sinks and a window with a distance ceiling; --look-back adds blocks, --middle-k rows by heads.
 * - `anchors` with --window: ends of sentences and lines stay after the window has passed them. `anchors` alone: each
 *   segment closes behind its anchor, for models trained this way.
 */
export function policyOf(
  values: Values,
  opened: Opened,
  tokens: number,
  byDefault: AttentionName,
  lookBackByDefault?: LookBack,
): () => AttentionPolicy {
  const { decoder } = opened;
  const window = number(values, 'window', 1, 1 << 28);
  const asked = lookBackOf(values);
  const lookBack = asked ?? lookBackByDefault;
  const kind = oneOf(values, 'attention', ATTENTION_NAMES) ?? byDefault;
  if (asked !== undefined && kind !== 'auto' && kind !== 'lambda')
    throw new UsageError('--look-back and --middle-k need --attention auto or lambda.', 'model');
  const { config, rowBytes } = decoder;
  if (kind === 'auto') {
    if (window !== undefined) throw new UsageError('--window needs --attention lambda or anchors.', 'model');
    const own = asked === undefined ? opened.anchorRule : undefined;
    return () =>
      readingPolicy(config, { tokens, rowBytes, anchors: own, ...(lookBack === undefined ? {} : { lookBack }) });
  }
  const sinks = number(values, 'sinks', 0, 1 << 20) ?? SINKS;
  if (kind === 'full') {
    if (window !== undefined) throw new UsageError('--window needs --attention lambda or anchors.', 'model');
    return () => full(config.slidingWindow);
  }
  if (kind === 'lambda') {
    const middle = middleRows(config, rowBytes, asked ?? 'none');
    return () => lambda({ sinks, window: window ?? WINDOW, ...(middle ? { middle } : {}) });
  }
  const isAnchor = anchorRule(opened, number(values, 'anchor-every', 2, 1 << 20));
  if (window === undefined) return () => anchors({ sinks, isAnchor });
  return () => compose(lambda({ sinks, window }), anchors({ sinks, isAnchor, closing: false }));
}

/**
 * The tokens as the options read them: the anchors of the checkpoint's rule are put in with `--attention anchors`, and
 * with `auto` where tokens and what is written reach beyond the trained window.
 */
export function anchored(
  tokens: number[],
  values: Values,
  { tokenizer, anchorRule, decoder }: Opened,
  byDefault: AttentionName,
  written = 0,
): number[] {
  if (!tokenizer || !anchorRule || text(values, 'anchor-every') !== undefined) return tokens;
  const kind = text(values, 'attention') ?? byDefault;
  const isBeyond = tokens.length + written > decoder.config.maxPositions && lookBackOf(values) === undefined;
  if (kind !== 'anchors' && !(kind === 'auto' && isBeyond)) return tokens;
  return withAnchors(tokens, anchorRule, lineEnds(tokenizer, decoder.config.vocabSize));
}

/** How the end of a text sees rows that left the window; undefined where no option says. @throws UsageError */
function lookBackOf(values: Values): LookBack | undefined {
  const blocks = number(values, 'look-back', 0, 1 << 12);
  const k = number(values, 'middle-k', 0, 1 << 16);
  if (blocks !== undefined && k !== undefined)
    throw new UsageError('Give --look-back or --middle-k, not both.', 'model');
  if (blocks === 0 || k === 0) return 'none';
  return blocks !== undefined ? { blocks } : k !== undefined ? { k } : undefined;
}

/** Anchors: the model's anchor token, else tokens that end a sentence or a line, else every n-th token. */
function anchorRule(
  { tokenizer, decoder }: Opened,
  every: number | undefined,
): (token: number, sinceAnchor: number) => boolean {
  if (every !== undefined || !tokenizer) return intervalAnchors(every ?? ANCHOR_EVERY);
  const own = tokenizer.idOf('<|anchor|>');
  if (own !== undefined) return tokenAnchors([own]);
  const ends: number[] = [];
  for (let id = 0; id < decoder.config.vocabSize; id++) {
    if (/[Ċ\n]|^<0x0A>$|^[▁Ġ]?[.!?;]$/.test(tokenizer.pieceOf(id) ?? '')) ends.push(id);
  }
  return tokenAnchors(ends);
}
