import { CheckpointError } from '../checkpoint/errors';
import { exists, fileInside } from '../checkpoint/files';
import { Fields, readJson } from '../checkpoint/json';
import { assertTrainedParametersPresent, loraScale, parseLoraConfig, type LoraConfig } from './lora-config';
import { SafetensorsFile } from '../formats/safetensors';
import type { TensorInfo, TensorSource } from '../checkpoint/types';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
/** LongLoRA keeps the trained embeddings and norms apart from the adapter, under this name. */
const TRAINED = 'trainable_params';
const MAX_CONFIG_BYTES = 1 << 20;

interface Update {
  /**
   * W += scale · B A; A is [r, in], B is [out, r]. For embeddings (transposed) A is [r, vocab], B is [hidden, r]: W +=
   * scale · (B A)ᵀ.
   */
  a: string;
  b: string;
  rank: number;
  scale: number;
  transposed: boolean;
}

/**
 * The weights of a checkpoint with a PEFT LoRA adapter merged in: W' = W + (α/r) B A (Hu et al. 2021, §4.1). Rows are
 * merged as they are read, so merging needs no extra memory. A tensor of the adapter is used or refused,
 * never ignored.
 */
export class LoraSource implements TensorSource {
  readonly files: readonly SafetensorsFile[];
  /** The merged tensors and their scales, for the fingerprint. */
  readonly identity: string;
  private readonly base: TensorSource;
  private readonly updates: ReadonlyMap<string, Update>;
  private readonly replacements: ReadonlyMap<string, { file: SafetensorsFile; name: string }>;

  private constructor(base: TensorSource, files: readonly SafetensorsFile[], plan: MergePlan) {
    this.base = base;
    this.files = files;
    this.updates = plan.updates;
    this.replacements = plan.replacements;
    this.identity = JSON.stringify([
      [...plan.updates],
      [...plan.replacements].map(([target, { name }]) => [target, name]),
    ]);
  }

  /**
   * Lays the adapter of a folder over `base`. Closing the result closes both.
   *
   * @throws CheckpointError when a trained parameter is missing, unknown or of another shape
   */
  static async open(base: TensorSource, directory: string): Promise<LoraSource> {
    const configPath = await fileInside(directory, CONFIG);
    const config = parseLoraConfig(new Fields(await readJson(configPath, MAX_CONFIG_BYTES), configPath));
    await refusePickles(directory);
    const files: SafetensorsFile[] = [];
    try {
      files.push(await SafetensorsFile.open(await fileInside(directory, WEIGHTS)));
      if (await exists(directory, `${TRAINED}.safetensors`)) {
        files.push(await SafetensorsFile.open(await fileInside(directory, `${TRAINED}.safetensors`)));
      }
      const plan = planMerge(base, config, files);
      assertTrainedParametersPresent(config, base.names(), new Set(plan.replacements.keys()), directory);
      return new LoraSource(base, files, plan);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  names(): readonly string[] {
    return this.base.names();
  }

  has(name: string): boolean {
    return this.base.has(name);
  }

  info(name: string): TensorInfo {
    return this.base.info(name);
  }

  async readFloat32(name: string, rows?: { from: number; to: number }): Promise<Float32Array> {
    const replacement = this.replacements.get(name);
    const weights = replacement
      ? await replacement.file.readFloat32(replacement.name, rows)
      : await this.base.readFloat32(name, rows);
    const update = this.updates.get(name);
    if (update) await this.merge(weights, update, this.info(name).shape, rows);
    return weights;
  }

  async close(): Promise<void> {
    await Promise.all([this.base.close(), ...this.files.map((file) => file.close())]);
  }

  /** weights [rows, width] += scale · left [rows, r] · right [r, width] */
  private async merge(
    weights: Float32Array,
    update: Update,
    shape: readonly number[],
    rows?: { from: number; to: number },
  ): Promise<void> {
    const from = rows?.from ?? 0;
    const to = rows?.to ?? (shape[0] as number);
    const width = shape[1] as number;
    const { rank, scale, transposed } = update;
    const left = transposed
      ? transpose(await this.adapter(update.a), rank, from, to)
      : await this.adapter(update.b, { from, to });
    const right = transposed ? transpose(await this.adapter(update.b), width, 0, rank) : await this.adapter(update.a);
    for (let row = 0; row < to - from; row++) {
      const target = weights.subarray(row * width, (row + 1) * width);
      for (let k = 0; k < rank; k++) {
        const factor = scale * (left[row * rank + k] as number);
        const source = right.subarray(k * width, (k + 1) * width);
        for (let column = 0; column < width; column++)
          target[column] = (target[column] as number) + factor * (source[column] as number);
      }
    }
  }

  private adapter(name: string, rows?: { from: number; to: number }): Promise<Float32Array> {
    return (this.files[0] as SafetensorsFile).readFloat32(name, rows);
  }
}

/** Columns [from, to) of a [rows, n] matrix as rows: [to − from, rows]. */
function transpose(matrix: Float32Array, rows: number, from: number, to: number): Float32Array {
  const columns = matrix.length / rows;
  const result = new Float32Array((to - from) * rows);
  for (let column = from; column < to; column++) {
    for (let row = 0; row < rows; row++)
      result[(column - from) * rows + row] = matrix[row * columns + column] as number;
  }
  return result;
}

async function refusePickles(directory: string): Promise<void> {
  for (const stem of [TRAINED, 'adapter_model']) {
    if ((await exists(directory, `${stem}.bin`)) && !(await exists(directory, `${stem}.safetensors`))) {
      throw new CheckpointError(
        'unsupported',
        directory,
        `${stem}.bin`,
        `is a pickle, which can run code and is not read; convert it to ${stem}.safetensors. Leaving it out ` +
          `would ruin the model: it was trained with these weights`,
      );
    }
  }
}

interface MergePlan {
  updates: Map<string, Update>;
  replacements: Map<string, { file: SafetensorsFile; name: string }>;
}

function planMerge(base: TensorSource, config: LoraConfig, files: readonly SafetensorsFile[]): MergePlan {
  const plan: MergePlan = { updates: new Map(), replacements: new Map() };
  const [adapter, trained] = files as [SafetensorsFile, SafetensorsFile | undefined];
  for (const name of adapter.tensors.keys()) {
    const half = /^(.*)\.lora_(?:embedding_)?([AB])(?:\.default)?(?:\.weight)?$/.exec(name);
    if (!half) planReplacement(plan, base, adapter, name);
    else if (half[2] === 'A') planUpdate(plan, base, config, adapter, name, half[1] as string);
    else if (!adapter.tensors.has(swapHalf(name)))
      throw new CheckpointError(
        'missing',
        adapter.path,
        swapHalf(name),
        'the A half of this update is not in the adapter',
      );
  }
  for (const name of trained?.tensors.keys() ?? []) planReplacement(plan, base, trained as SafetensorsFile, name);
  if (plan.updates.size === 0 && plan.replacements.size === 0)
    throw new CheckpointError('malformed', adapter.path, '', 'holds no tensors');
  return plan;
}

function planUpdate(
  plan: MergePlan,
  base: TensorSource,
  config: LoraConfig,
  file: SafetensorsFile,
  a: string,
  module: string,
): void {
  const b = swapHalf(a);
  const infoA = file.tensors.get(a) as TensorInfo;
  const infoB = file.tensors.get(b);
  if (!infoB) throw new CheckpointError('missing', file.path, b, 'the B half of this update is not in the adapter');
  const target = baseName(base, `${module}.weight`, file, a);
  const transposed = a.includes('.lora_embedding_');
  const shape = base.info(target).shape;
  const [rows, width] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
  const rank = infoA.shape[0];
  const fits =
    shape.length === 2 &&
    infoA.shape.length === 2 &&
    infoB.shape.length === 2 &&
    rank !== undefined &&
    rank > 0 &&
    infoA.shape[1] === width &&
    infoB.shape[0] === rows &&
    infoB.shape[1] === rank;
  if (!fits) {
    throw new CheckpointError(
      'mismatch',
      file.path,
      a,
      `A [${infoA.shape.join(', ')}] and B [${infoB.shape.join(', ')}] do not fit ${target} ` +
        `[${shape.join(', ')}]; was the adapter trained on another model?`,
    );
  }
  const name = module.replace(/^base_model\.model\./, '');
  plan.updates.set(target, { a, b, rank, scale: loraScale(config, name, rank), transposed });
}

function planReplacement(plan: MergePlan, base: TensorSource, file: SafetensorsFile, name: string): void {
  const target = baseName(
    base,
    name.replace('.modules_to_save.default.', '.').replace('.modules_to_save.', '.').replace('.original_module.', '.'),
    file,
    name,
  );
  const ours = (file.tensors.get(name) as TensorInfo).shape;
  const theirs = base.info(target).shape;
  if (ours.length !== theirs.length || ours.some((size, i) => size !== theirs[i])) {
    throw new CheckpointError(
      'mismatch',
      file.path,
      name,
      `has shape [${ours.join(', ')}], the checkpoint's ${target} [${theirs.join(', ')}]`,
    );
  }
  if (plan.replacements.has(target))
    throw new CheckpointError(
      'mismatch',
      file.path,
      name,
      `replaces ${target}, which another tensor of the adapter replaces too`,
    );
  plan.replacements.set(target, { file, name });
}

/** The base tensor an adapter name means, with or without PEFT's and the model's prefixes. */
function baseName(base: TensorSource, name: string, file: SafetensorsFile, field: string): string {
  const plain = name.replace(/^base_model\.model\./, '');
  for (const candidate of [plain, `model.${plain}`, plain.replace(/^model\./, '')]) {
    if (base.has(candidate)) return candidate;
  }
  throw new CheckpointError(
    'mismatch',
    file.path,
    field.slice(0, 200),
    `the checkpoint has no ${plain.slice(0, 200)} to merge this into; was the adapter trained on another model?`,
  );
}

function swapHalf(name: string): string {
  return name.replace(
    /\.lora_(embedding_)?([AB])(?=\.|$)/,
    (_, embedding: string | undefined, half: string) => `.lora_${embedding ?? ''}${half === 'A' ? 'B' : 'A'}`,
  );
}
