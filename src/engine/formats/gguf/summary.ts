import { open } from 'node:fs/promises';
import { familyOfGguf } from '../../architectures/registry';
import { CheckpointError } from '../../checkpoint/errors';
import { MAGIC } from './header';
import { MetadataReader, NeedMoreBytes, type MetadataValue } from './metadata-reader';

/** Bytes that are read: all metadata before the vocabulary, which comes last or nearly so. */
const READ_BYTES = 1 << 16;
const MOST_ENTRIES = 1 << 10;

/** Reads a summary of a model from the first bytes of its .gguf file, for lists of models. */
export interface GgufSummary {
  /** `general.architecture`. */
  architecture: string;
  /** Whether the decoder runs this architecture. Whether the file is sound shows when it is opened. */
  isSupported: boolean;
  name?: string;
  /** SPDX identifier. */
  licence?: string;
  contextTokens?: number;
  /** Sizes as far as they are stated. */
  layers?: number;
  hiddenSize?: number;
  intermediateSize?: number;
  queryHeads?: number;
  kvHeads?: number;
  headDim?: number;
  vocabSize?: number;
  /** Number of files of the model. */
  files: number;
}

/** Reads the first bytes of a file. Undefined when it is no readable GGUF file. */
export async function ggufSummary(path: string): Promise<GgufSummary | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(READ_BYTES, size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return summarize(readSome(new MetadataReader(buffer.subarray(0, bytesRead), size, path)));
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof NeedMoreBytes || isFileError(error)) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

const isFileError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** Metadata up to the first entry that goes beyond the bytes at hand. Of a longer list its length is kept. */
function readSome(reader: MetadataReader): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  if (reader.u32('magic') !== MAGIC) throw reader.error('malformed', 'magic', 'is not that of GGUF');
  reader.u32('version');
  reader.u64('tensor_count');
  const count = Math.min(reader.u64('metadata_kv_count'), MOST_ENTRIES);
  try {
    for (let i = 0; i < count; i++) {
      const key = reader.name(`metadata ${i}`);
      const length = reader.listLength(key);
      if (length !== undefined) metadata.set(`${key}.length`, length);
      metadata.set(key, reader.value(key));
    }
  } catch (error) {
    if (!(error instanceof NeedMoreBytes)) throw error;
  }
  return metadata;
}

function summarize(metadata: ReadonlyMap<string, MetadataValue>): GgufSummary | undefined {
  const text = (key: string) => {
    const value = metadata.get(key);
    return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
  };
  const architecture = text('general.architecture');
  if (architecture === undefined) return undefined;
  const number = (key: string) => {
    const value = metadata.get(key);
    // Per-layer lists: the first layer's stands for all, which is near enough for an estimate.
    const first = typeof value === 'object' ? value[0] : value;
    return typeof first === 'number' && Number.isSafeInteger(first) && first > 0 ? first : undefined;
  };
  const own = (key: string) => number(`${architecture}.${key}`);
  const queryHeads = own('attention.head_count');
  const hiddenSize = own('embedding_length');
  const facts = {
    name: text('general.name'),
    licence: text('general.license'),
    contextTokens: own('context_length'),
    layers: own('block_count'),
    hiddenSize,
    intermediateSize: own('feed_forward_length'),
    queryHeads,
    kvHeads: own('attention.head_count_kv') ?? queryHeads,
    headDim:
      own('attention.key_length') ?? (hiddenSize && queryHeads ? Math.round(hiddenSize / queryHeads) : undefined),
    vocabSize: own('vocab_size') ?? number('tokenizer.ggml.tokens.length'),
  };
  return {
    architecture,
    isSupported: familyOfGguf(architecture) !== undefined && (own('expert_count') ?? 0) === 0,
    ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
    files: number('split.count') ?? 1,
  };
}
