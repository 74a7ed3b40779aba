import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { effectiveFactors, temperature, withFactors } from './frequencies';
import { asCheckpointError, CheckpointError } from '../checkpoint/errors';
import { exists, fileInside } from '../checkpoint/files';
import { Fields, readJson } from '../checkpoint/json';
import { factorList } from './rope-config';
import type { ModelConfig, RopeConfig, RopeScaling } from '../checkpoint/types';

/** Name of the file, or the end of its name. */
export const ROPE_FILE = 'rope_factors.json';
const MAX_BYTES = 1 << 20;
const NAME = /^[\w.-]{1,64}$/;

/** Rotary factors found for a checkpoint, stored beside it. */
export interface StoredFactors {
  /** How many times the trained window they are meant for. */
  extension: number;
  /** Scale of cos and sin. */
  attentionFactor: number;
  /** Divisor of each unscaled frequency, fastest first, [rotaryDim / 2]. */
  factors: Float64Array;
  /** How they were found, for the reader of the file. */
  note: string;
}

/**
 * The configuration under a named rotary scaling: `config` (its own), `linear:S`, `ntk:S`, `yarn:S` with S times the
 * trained window, or a name in the file of factors. Without a name: the factors that were stored last, or its own.
 * Prompts within the trained window keep the original frequencies.
 *
 * @throws CheckpointError when there is no such name
 */
export async function applyRope(file: string, config: ModelConfig, wanted?: string): Promise<ModelConfig> {
  const name = wanted ?? (await storedFile(file))?.optionalString('default') ?? 'config';
  if (name === 'config' || name === 'none') return config;
  const standard = /^(linear|ntk|yarn):(\d+(?:\.\d+)?)$/.exec(name);
  const { factors, extension, attentionFactor } = standard
    ? standardFactors(config.rope, standard[1] as 'linear' | 'ntk' | 'yarn', Number(standard[2]))
    : await readFactors(file, config, name);
  if (!(extension >= 1 && extension <= 1e6))
    throw new CheckpointError('outOfRange', file, name.slice(0, 64), 'the extension must lie between 1 and 1,000,000');
  return {
    ...config,
    maxPositions: Math.max(config.maxPositions, Math.floor(config.rope.originalMaxPositions * extension)),
    rope: withFactors(config.rope, factors, extension, attentionFactor),
  };
}

/** The factors of a standard scaling by `extension` on top of the config's own frequencies. */
export function standardFactors(
  rope: RopeConfig,
  kind: 'linear' | 'ntk' | 'yarn',
  extension: number,
): Omit<StoredFactors, 'note'> {
  const scaling: RopeScaling =
    kind === 'yarn'
      ? { type: 'yarn', factor: extension, betaFast: 32, betaSlow: 1 }
      : { type: kind, factor: extension };
  const own = effectiveFactors(rope, rope.originalMaxPositions);
  const added = effectiveFactors({ ...rope, scaling }, Math.floor(rope.originalMaxPositions * extension));
  return {
    extension,
    attentionFactor: kind === 'yarn' ? temperature(extension) : 1,
    factors: own.map((f, i) => f * (added[i] as number)),
  };
}

/** Names stored beside a checkpoint. @throws CheckpointError when the file is there and damaged */
export async function storedRopeNames(file: string): Promise<string[]> {
  return (await entries(file)).map(([name]) => name);
}

async function readFactors(path: string, config: ModelConfig, name: string): Promise<Omit<StoredFactors, 'note'>> {
  const all = await entries(path);
  const entry = all.find(([key]) => key === name);
  if (!entry) {
    const known = all.map(([key]) => key).join(', ') || 'none';
    throw new CheckpointError(
      'missing',
      path,
      name.slice(0, 64),
      `no rotary factors of this name are stored (stored: ${known}; also config, linear:S, ntk:S, yarn:S)`,
    );
  }
  const fields = new Fields(entry[1], path, `factors.${name}.`);
  const window = fields.integer('originalMaxPositions', 1, 1 << 28);
  if (window !== config.rope.originalMaxPositions) {
    throw fields.error(
      'mismatch',
      'originalMaxPositions',
      `found for a trained window of ${window}; this checkpoint has ${config.rope.originalMaxPositions}`,
    );
  }
  return {
    extension: fields.number('extension', 1, 1e6),
    attentionFactor: fields.number('attentionFactor', 1e-3, 1e3),
    factors: factorList(fields, 'factors', config.rope.rotaryDim / 2),
  };
}

async function entries(file: string): Promise<[string, unknown][]> {
  return (await storedFile(file))?.optionalObject('factors')?.entries() ?? [];
}

async function storedFile(file: string): Promise<Fields | undefined> {
  const [directory, name] = [dirname(file), basename(file)];
  if (!(await exists(directory, name))) return undefined;
  const path = await fileInside(directory, name);
  return new Fields(await readJson(path, MAX_BYTES), path);
}

/**
 * Adds factors under `name`, keeping those of other names. The file is replaced in one step.
 *
 * @param isUsed whether the model runs with them from now on (`applyRope`); else it runs as before
 * @throws CheckpointError
 */
export async function storeFactors(
  path: string,
  rope: RopeConfig,
  name: string,
  stored: StoredFactors,
  isUsed = true,
): Promise<void> {
  if (!NAME.test(name))
    throw new CheckpointError(
      'malformed',
      path,
      name.slice(0, 64),
      'a name of factors has letters, digits, dot, dash and underscore only',
    );
  const factors = Object.fromEntries([
    ...(await entries(path)).filter(([key]) => key !== name),
    [
      name,
      {
        extension: stored.extension,
        attentionFactor: stored.attentionFactor,
        originalMaxPositions: rope.originalMaxPositions,
        factors: [...stored.factors],
        note: stored.note,
      },
    ],
  ]);
  const before = (await storedFile(path))?.optionalString('default');
  // Factors of this name that ran until now are replaced by ones that shall not.
  const runs = isUsed ? name : before === name ? 'config' : (before ?? 'config');
  await replaceFile(path, `${JSON.stringify({ default: runs, factors }, null, 1)}\n`);
}

/** Replaces a file in one step, so that a reader sees the old content or the new. @throws CheckpointError */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw asCheckpointError(error, path);
  }
}
