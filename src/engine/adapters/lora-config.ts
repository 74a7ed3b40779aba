import { CheckpointError } from '../checkpoint/errors';
import { isObject, type Fields } from '../checkpoint/json';

/** Fields of `adapter_config.json` that merging needs. */
export interface LoraConfig {
  rank: number;
  alpha: number;
  /** Scale alpha / √r instead of alpha / r. */
  rankStabilized: boolean;
  /** Alpha of modules whose name ends with the key. */
  alphaPattern: ReadonlyMap<string, number>;
  /** Modules that were trained in full and must come with the adapter. */
  modulesToSave: readonly string[];
  /** LongLoRA: parameters whose name contains one of these were trained too (`embed`, `norm`). */
  trainableParams: readonly string[];
}

/** Variants of LoRA whose merge is another formula; taking them for plain LoRA would give a different model. */
const OTHER_VARIANTS = [
  'use_dora',
  'fan_in_fan_out',
  'use_qalora',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'corda_config',
  'arrow_config',
  'lora_bias',
];

/** @throws CheckpointError */
export function parseLoraConfig(fields: Fields): LoraConfig {
  const kind = fields.string('peft_type');
  if (kind !== 'LORA')
    throw fields.error('unsupported', 'peft_type', `"${kind.slice(0, 40)}"; only LORA adapters can be merged`);
  for (const name of OTHER_VARIANTS) {
    const value = fields.raw(name);
    if (
      value !== undefined &&
      value !== false &&
      !(isObject(value) && Object.keys(value).length === 0) &&
      !(Array.isArray(value) && value.length === 0)
    ) {
      throw fields.error(
        'unsupported',
        name,
        'is a variant of LoRA that is merged by another formula, which is not built',
      );
    }
  }
  const bias = fields.optionalString('bias') ?? 'none';
  if (bias !== 'none')
    throw fields.error('unsupported', 'bias', `"${bias.slice(0, 40)}": adapters that train biases are not merged`);
  return {
    rank: fields.integer('r', 1, 65_536),
    alpha: fields.number('lora_alpha', -1e6, 1e6),
    rankStabilized: fields.boolean('use_rslora', false),
    alphaPattern: parsePattern(fields),
    modulesToSave: names(fields, 'modules_to_save'),
    trainableParams: (fields.optionalString('trainable_params') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}

/** PEFT takes the keys as regular expressions; a file's expressions are not run here, so only plain names are taken. */
function parsePattern(fields: Fields): ReadonlyMap<string, number> {
  const patterns = new Map<string, number>();
  for (const [name, value] of fields.optionalObject('alpha_pattern')?.entries() ?? []) {
    if (!/^[\w.]+$/.test(name))
      throw fields.error(
        'unsupported',
        'alpha_pattern',
        `"${name.slice(0, 60)}" is a regular expression; only module names are taken`,
      );
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw fields.error('malformed', 'alpha_pattern', 'must hold numbers');
    patterns.set(name, value);
  }
  return patterns;
}

function names(fields: Fields, field: string): string[] {
  return (fields.optionalArray(field, 1000) ?? []).map((name) => {
    if (typeof name !== 'string' || name === '') throw fields.error('malformed', field, 'must hold module names');
    return name;
  });
}

/** alpha / r, or alpha / √r; alpha may differ between modules, r is what the tensors have. */
export function loraScale(config: LoraConfig, module: string, rank: number): number {
  let alpha = config.alpha;
  for (const [suffix, value] of config.alphaPattern) {
    if (module === suffix || module.endsWith(`.${suffix}`)) alpha = value;
  }
  return alpha / (config.rankStabilized ? Math.sqrt(rank) : rank);
}

/** Refuses an adapter that lacks parameters it was trained with: a model merged in part would answer, badly. */
export function assertTrainedParametersPresent(
  config: LoraConfig,
  base: readonly string[],
  replaced: ReadonlySet<string>,
  directory: string,
): void {
  for (const module of config.modulesToSave) {
    const members = base.filter((name) => name.split('.').includes(module));
    const absent = members.length === 0 ? module : members.find((name) => !replaced.has(name));
    if (absent !== undefined) {
      throw new CheckpointError(
        'missing',
        directory,
        absent,
        `adapter_config.json lists "${module}" in modules_to_save, but its weights are not in the adapter; ` +
          `without them the merged model would be wrong`,
      );
    }
  }
  for (const part of config.trainableParams) {
    const absent = base.find((name) => name.includes(part) && !replaced.has(name));
    if (absent !== undefined) {
      throw new CheckpointError(
        'missing',
        directory,
        absent,
        `LongLoRA trained every parameter with "${part}" in its name, but the adapter lacks this one; save ` +
          `it as trainable_params.safetensors beside the adapter`,
      );
    }
  }
}
