/** The memory settings of a checkpoint: the object "anchorage" in config.json, and the files it names. */
import type { DenseRatio, MemoryRatios } from '../protocol';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fields, fileInside, readJson, type ModelConfig, type Tokenizer } from '../engine';

export interface MemoryConfig {
  /** Tokens at the beginning of every context (attention sinks). */
  sinkTokens: number[];
  /** Tokens that begin a user's turn, end it and begin the answer; undefined unless the vocabulary has all three. */
  chat: { user: number; end: number; assistant: number } | undefined;
  /** Absolute paths. */
  memoryFile: string;
  ratios: MemoryRatios;
  /** The vectors of the vocabulary (token-vectors.ts); undefined when the checkpoint has none. */
  tokenVectors: { file: string; width: number } | undefined;
  /** A second set of slots, for dense rows that are computed on demand. */
  dense: (DenseRatio & { file: string }) | undefined;
  /**
   * sha256 (hex) of slots and token vectors: records made with other files differ. Excludes dense rows, which are not
   * stored.
   */
  digest: string;
}

const MAX_CONFIG_BYTES = 1 << 20;
/** Preferred tokens per row: coarse for a segment, fine for a line or two, dense for a few words. */
const WANTED = { coarse: 256, fine: 32, dense: 8 };

/**
 * Reads and checks the settings. Undefined when the checkpoint has no memory slots.
 *
 * @throws CheckpointError naming the field
 */
export async function readMemoryConfig(
  directory: string,
  { vocabSize }: Pick<ModelConfig, 'vocabSize'>,
  tokenizer: Pick<Tokenizer, 'idOf'>,
): Promise<MemoryConfig | undefined> {
  // A GGUF file has no config.json, and no memory slots.
  if (!existsSync(join(directory, 'config.json'))) return undefined;
  const path = await fileInside(directory, 'config.json');
  const own = new Fields(await readJson(path, MAX_CONFIG_BYTES), path).optionalObject('anchorage');
  const memory = own?.optionalObject('memory');
  if (!own || !memory) return undefined;
  const sinkTokens = tokens(own, 'sink_token_ids', vocabSize);
  const coarseTokens = nearestRatio(memory, WANTED.coarse);
  const fineTokens = nearestRatio(memory, WANTED.fine);
  if (coarseTokens % fineTokens !== 0)
    throw memory.error('unsupported', 'ratios', `${coarseTokens} is not a multiple of ${fineTokens}`);
  const memoryFile = await fileInside(directory, memory.string('file'), path);
  const dense = own.optionalObject('dense_memory');
  const vectors = own.optionalObject('token_vectors');
  const vectorsFile = vectors && (await fileInside(directory, vectors.string('file'), path));
  const digest = createHash('sha256').update(await readFile(memoryFile));
  if (vectorsFile) digest.update(await readFile(vectorsFile));
  return {
    sinkTokens,
    chat: chatTokens(tokenizer),
    memoryFile,
    ratios: { segmentTokens: memory.integer('segment_rows', 1, 1 << 16), coarseTokens, fineTokens },
    dense: dense && {
      file: await fileInside(directory, dense.string('file'), path),
      segmentTokens: dense.integer('segment_rows', 1, 1 << 16),
      rowTokens: nearestRatio(dense, WANTED.dense),
    },
    tokenVectors:
      vectors && vectorsFile ? { file: vectorsFile, width: vectors.integer('width', 1, 1 << 14) } : undefined,
    digest: digest.digest('hex'),
  };
}

/** Whether a folder holds a checkpoint with memory slots; false for anything that cannot be read. */
export async function hasMemorySlots(directory: string): Promise<boolean> {
  try {
    const path = await fileInside(directory, 'config.json');
    return new Fields(await readJson(path, MAX_CONFIG_BYTES), path).optionalObject('anchorage')?.has('memory') ?? false;
  } catch {
    return false;
  }
}

function chatTokens(tokenizer: Pick<Tokenizer, 'idOf'>): MemoryConfig['chat'] {
  const [user, end, assistant] = ['<|user|>', '<|end|>', '<|assistant|>'].map((name) => tokenizer.idOf(name));
  return user === undefined || end === undefined || assistant === undefined ? undefined : { user, end, assistant };
}

function tokens(fields: Fields, name: string, vocabSize: number): number[] {
  const list = fields.optionalArray(name, 1024) ?? [];
  return list.map((id) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw fields.error('outOfRange', name, 'lists a token that the model does not have');
    return id;
  });
}

/** The trained ratio that is closest to the wanted one. */
function nearestRatio(fields: Fields, wanted: number): number {
  const list = (fields.optionalArray('ratios', 64) ?? []).filter(
    (ratio): ratio is number => typeof ratio === 'number' && Number.isInteger(ratio) && ratio >= 1,
  );
  if (list.length === 0) throw fields.error('missing', 'ratios', 'lists no whole number of tokens per slot');
  return list.reduce((best, ratio) =>
    Math.abs(Math.log(ratio / wanted)) < Math.abs(Math.log(best / wanted)) ? ratio : best,
  );
}
