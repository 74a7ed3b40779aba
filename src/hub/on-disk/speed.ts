/**
 * How fast this machine writes. A token reads every weight once, so that its time is the weights' size by the speed of
 * memory. That speed is measured when a model writes an answer.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseWeights, tokenBytes, type ModelShape } from '../../engine';

/** English prose and identifiers: tokens per word, about. */
const TOKENS_PER_WORD = 1.4;
/** Bytes a second of two cores of a laptop, until it is measured. */
const USUAL_SPEED = 10e9;
const FILE = 'speed.json';
/** Weight of a new measurement against the ones before. */
const NEW_SHARE = 0.3;

export interface MachineSpeed {
  bytesPerSecond: number;
  isMeasured: boolean;
}

/** Words a second, estimated. */
export function wordsPerSecond(shape: ModelShape, { bytesPerSecond }: MachineSpeed): number {
  return bytesPerSecond / tokenBytes(shape, chooseWeights(shape)) / TOKENS_PER_WORD;
}

export async function readSpeed(modelsDirectory: string): Promise<MachineSpeed> {
  try {
    const { bytesPerSecond } = JSON.parse(await readFile(join(modelsDirectory, FILE), 'utf8')) as Partial<MachineSpeed>;
    if (typeof bytesPerSecond === 'number' && bytesPerSecond > 0 && Number.isFinite(bytesPerSecond))
      return { bytesPerSecond, isMeasured: true };
  } catch {
    // Nothing was measured yet, or the file is damaged: both mean the usual speed.
  }
  return { bytesPerSecond: USUAL_SPEED, isMeasured: false };
}

/** Records how fast a model wrote: tokens a second times the bytes that each has read. */
export async function recordSpeed(modelsDirectory: string, now: number): Promise<void> {
  if (!(now > 0) || !Number.isFinite(now)) return;
  const before = await readSpeed(modelsDirectory);
  const bytesPerSecond = before.isMeasured ? before.bytesPerSecond * (1 - NEW_SHARE) + now * NEW_SHARE : now;
  const path = join(modelsDirectory, FILE);
  await writeFile(`${path}.${process.pid}`, JSON.stringify({ bytesPerSecond: Math.round(bytesPerSecond) }));
  await rename(`${path}.${process.pid}`, path);
}
