import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ggufSummary, parameterCount, parseConfig, readJson, type ModelShape } from '../../engine';
import { purposeOf } from './purpose';
import { wordsPerSecond, type MachineSpeed } from './speed';
import { candidates, type Candidate, type Machine, type Store } from './stores';

/** A model on this machine that another program or the user put there. It is used where it is. */
export interface FoundModel {
  store: Store;
  /** Value of the setting: the file, or the folder of a Hugging Face checkpoint. */
  path: string;
  name: string;
  bytes: number;
  licence?: string;
  /** `qwen2`. */
  architecture: string;
  /** False for architectures that the decoder does not run. */
  isSupported: boolean;
  /** Its use, in one sentence. */
  purpose: string;
  /** Words a second, estimated; undefined where the sizes are not stated. */
  wordsPerSecond?: number;
}

const MAX_CONFIG_BYTES = 1 << 22;
/** Bytes per weight of the usual files, which have 4 to 5 bits a weight. */
const GGUF_BYTES_PER_WEIGHT = 0.6;
/** Architectures that read texts but write none. */
const NO_WRITERS = /^(?:.*bert.*|clip|t5encoder|xlm-roberta|deberta.*|whisper|mpnet|vit)$/i;

/** The models of known programs and of the user's folders, largest last. */
export async function findModels(
  folders: readonly string[],
  speed: MachineSpeed,
  machine: Machine = { home: homedir(), platform: process.platform, env: process.env },
): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for (const candidate of await candidates(machine, folders)) {
    const model = await describe(candidate, speed);
    if (model && !NO_WRITERS.test(model.architecture)) found.push(model);
  }
  return found.sort((a, b) => Number(b.isSupported) - Number(a.isSupported) || a.bytes - b.bytes);
}

function describe(candidate: Candidate, speed: MachineSpeed): Promise<FoundModel | undefined> {
  return /(?:\.gguf|sha256-[0-9a-f]{64})$/i.test(candidate.path)
    ? describeGguf(candidate, speed)
    : describeFolder(candidate, speed);
}

async function describeGguf(candidate: Candidate, speed: MachineSpeed): Promise<FoundModel | undefined> {
  const { store, path, name, licence } = candidate;
  const summary = await ggufSummary(path);
  if (!summary) return undefined;
  const { layers, hiddenSize, intermediateSize, queryHeads, kvHeads, headDim, vocabSize } = summary;
  const isShaped = layers && hiddenSize && intermediateSize && queryHeads && kvHeads && headDim;
  const shape: ModelShape | undefined = isShaped
    ? {
        ...{ layers, hiddenSize, intermediateSize, queryHeads, kvHeads, headDim },
        // A vocabulary that is not stated is that of most present models.
        vocabSize: vocabSize ?? 128_000,
        tiedEmbeddings: true,
      }
    : undefined;
  const stated = licence ?? summary.licence;
  const known = {
    store,
    path,
    name: name ?? basename(path).replace(/(?:-00001-of-\d{5})?\.gguf$/i, ''),
    bytes: await sizeOf(path, summary.files),
    ...(stated === undefined ? {} : { licence: stated }),
    architecture: summary.architecture,
    isSupported: summary.isSupported,
  };
  return rated(known, shape, speed, GGUF_BYTES_PER_WEIGHT);
}

/** Bytes of a file, or of all shards. */
async function sizeOf(path: string, files: number): Promise<number> {
  const stem = /^(.*)-00001-of-(\d{5})\.gguf$/i.exec(basename(path));
  const names =
    stem && files > 1
      ? Array.from({ length: files }, (_, i) => `${stem[1]}-${String(i + 1).padStart(5, '0')}-of-${stem[2]}.gguf`)
      : [basename(path)];
  return bytesOf(dirname(path), names);
}

async function bytesOf(directory: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(directory, name)).catch(() => undefined))?.size ?? 0;
  return bytes;
}

/** A folder with config.json and weights, if it is a model that writes. */
async function describeFolder(
  { store, path, name, licence }: Candidate,
  speed: MachineSpeed,
): Promise<FoundModel | undefined> {
  const file = join(path, 'config.json');
  const json = await readJson(file, MAX_CONFIG_BYTES).catch(() => undefined);
  if (typeof json !== 'object' || json === null) return undefined;
  const { model_type: type, architectures, vision_config: vision } = json as Record<string, unknown>;
  const isWriter =
    !Array.isArray(architectures) ||
    architectures.some((each) => /ForCausalLM|ForConditionalGeneration/.test(String(each)));
  if (typeof type !== 'string' || !isWriter) return undefined;
  let shape: ModelShape | undefined;
  try {
    shape = parseConfig(json, file);
  } catch {
    // A family or a trait that the decoder does not run.
  }
  const weights = (await readdir(path)).filter((each) => each.endsWith('.safetensors'));
  const known = {
    store,
    path,
    name: name ?? basename(path),
    bytes: await bytesOf(path, weights),
    ...(licence === undefined ? {} : { licence }),
    architecture: type.slice(0, 60),
    isSupported: shape !== undefined,
  };
  const model = rated(known, shape, speed, 2);
  return typeof vision === 'object' && vision !== null
    ? { ...model, purpose: `${model.purpose} Reads no images.` }
    : model;
}

/** Adds what follows from the size: by its shape, else by its bytes. */
function rated(
  known: Omit<FoundModel, 'purpose' | 'wordsPerSecond'>,
  shape: ModelShape | undefined,
  speed: MachineSpeed,
  bytesPerWeight: number,
): FoundModel {
  const parameters = shape ? parameterCount(shape) : known.bytes / bytesPerWeight;
  return {
    ...known,
    purpose: purposeOf(known.name, parameters),
    ...(shape ? { wordsPerSecond: wordsPerSecond(shape, speed) } : {}),
  };
}
