import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { configOf } from '../../architectures/config';
import type { ModelFamily } from '../../architectures/family';
import { familyOfGguf, ggufArchitectures } from '../../architectures/registry';
import { CheckpointError } from '../../checkpoint/errors';
import { ROPE_FILE } from '../../rope/rope-factors';
import { ChatTemplate } from '../../tokenizer/chat-template';
import type { CheckpointFormat, StoredCheckpoint } from '../checkpoint-format';
import { configFields, type RopeTables } from './config-fields';
import { dequantizeOf } from './dequantize';
import type { GgufFile } from './file';
import { MAGIC } from './header';
import { ggufInFolder, modelFiles, openShards } from './shards';
import { GgufSource } from './source';
import { huggingFaceName } from './tensor-names';
import { ggufTokenizer } from './tokenizer-json';

/** Longest table of rotary factors (values). */
const MAX_FACTORS = 1024;

/** A .gguf file, or a folder with one model in such files. The file is read in place. */
export const ggufFormat: CheckpointFormat = {
  name: 'GGUF',

  async detect(path) {
    const status = await stat(path).catch(() => undefined);
    if (status?.isDirectory()) return (await modelFiles(path)).length > 0;
    return status?.isFile() === true && (await hasMagic(path));
  },

  async open(path) {
    const status = await stat(path).catch(() => undefined);
    const file = status?.isDirectory() ? await ggufInFolder(path) : path;
    const files = await openShards(file);
    try {
      return await describe(path, files);
    } catch (error) {
      await Promise.all(files.map((each) => each.close()));
      throw error;
    }
  },
};

async function hasMagic(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return false;
  try {
    const bytes = new Uint8Array(4);
    const { bytesRead } = await handle.read(bytes, 0, 4, 0);
    return bytesRead === 4 && new DataView(bytes.buffer).getUint32(0, true) === MAGIC;
  } finally {
    await handle.close();
  }
}

async function describe(path: string, files: readonly GgufFile[]): Promise<StoredCheckpoint> {
  const first = files[0] as GgufFile;
  const { metadata } = first;
  const family = familyOf(first);
  const shapes = new Map(
    files.flatMap((file) =>
      [...file.tensors].map(([name, { shape }]) => [huggingFaceName(name, family), shape] as const),
    ),
  );
  const fields = configFields(first, family, (name) => shapes.get(name), await readRopeTables(files));
  // llama.cpp's converter stores norms with the constant added.
  const { normOffset: _, ...config } = configOf(fields, family);
  return {
    path,
    directory: dirname(first.path),
    ropeFile: `${first.path}.${ROPE_FILE}`,
    config,
    configText: 'gguf',
    tensors: new GgufSource(files, family, config),
    files,
    openTokenizer: () => Promise.resolve().then(() => ggufTokenizer(metadata, first.path, config.vocabSize)),
    openChatTemplate: () => Promise.resolve().then(() => chatTemplate(first)),
  };
}

function familyOf({ metadata, path }: GgufFile): ModelFamily {
  const key = 'general.architecture';
  const architecture = metadata.get(key);
  if (typeof architecture !== 'string') throw new CheckpointError('missing', path, key, 'is required and absent');
  const family = familyOfGguf(architecture);
  if (!family)
    throw new CheckpointError(
      'unsupported',
      path,
      key,
      `"${architecture.slice(0, 60)}" is not an architecture this engine builds (${ggufArchitectures()})`,
    );
  return family;
}

function chatTemplate({ metadata, path }: GgufFile): ChatTemplate | undefined {
  const text = metadata.get('tokenizer.chat_template');
  if (text === undefined) return undefined;
  if (typeof text !== 'string')
    throw new CheckpointError('malformed', path, 'tokenizer.chat_template', 'must be a text');
  return ChatTemplate.parse(text, path);
}

/** Tables of rotary factors, which converters store as tensors. */
async function readRopeTables(files: readonly GgufFile[]): Promise<RopeTables> {
  const read = async (name: string): Promise<Float32Array | undefined> => {
    const file = files.find(({ tensors }) => tensors.has(name));
    const tensor = file?.tensors.get(name);
    if (!file || !tensor) return undefined;
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    const dequantize = dequantizeOf(tensor.dtype);
    if (!dequantize || length > MAX_FACTORS)
      throw new CheckpointError(
        'outOfRange',
        file.path,
        name,
        `has ${length} values of ${tensor.dtype}, no rotary factors`,
      );
    const bytes = new Uint8Array(tensor.byteLength);
    await file.readBytes(tensor.offset, bytes);
    const values = new Float32Array(length);
    dequantize(bytes, values);
    return values;
  };
  const [all, short, long] = [
    await read('rope_freqs.weight'),
    await read('rope_factors_short.weight'),
    await read('rope_factors_long.weight'),
  ];
  return { ...(all ? { all } : {}), ...(short ? { short } : {}), ...(long ? { long } : {}) };
}
