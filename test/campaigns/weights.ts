/**
 * Damaged weights: files of a checkpoint whose sums are known, and compiled weights. They are refused or made anew; a
 * model that opens computes exactly what the sound one computes.
 */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSums, CheckpointError, Decoder, DecoderError, full, openCheckpoint } from '../../src/engine';
import { writeMemoryCheckpoint, writeSums } from '../inference/memory-checkpoint';
import { type Attacked, pick, type Random, scratchFolder } from './drive';

const PROMPT = [1, 20, 300, 41, 7, 99];

async function logitsOf(directory: string, compiled: string): Promise<Buffer> {
  await checkSums(directory);
  const checkpoint = await openCheckpoint(directory);
  try {
    const decoder = await Decoder.open(checkpoint, { weights: '8bit', cacheDirectory: compiled, threads: 1 });
    try {
      const context = decoder.newContext(full(), 64);
      const { logits } = await context.prefill(PROMPT, { logits: 'last' });
      return Buffer.from(Float32Array.from(logits).buffer);
    } finally {
      await decoder.close();
    }
  } finally {
    await checkpoint.close();
  }
}

/** Flips bits, cuts off, deletes, lengthens or zeroes a part of a file. */
function harm(file: string, random: Random): void {
  const { size } = statSync(file);
  const kind = random();
  const bytes = readFileSync(file);
  const at = Math.floor(random() * size);
  if (kind < 0.6) {
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
      const bit = Math.floor(random() * size * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    }
    writeFileSync(file, bytes);
  } else if (kind < 0.7) truncateSync(file, at);
  else if (kind < 0.75) rmSync(file);
  else if (kind < 0.85) writeFileSync(file, Buffer.concat([bytes, bytes.subarray(at, at + 100)]));
  else {
    // A page that was never written reads as zeros; where it had zeros already, nothing is damaged.
    bytes.fill(0, at, Math.min(size, at + 4096));
    writeFileSync(file, bytes);
  }
}

export const weights: Attacked = {
  name: 'damaged weights, stored and compiled',
  isRefusal: (error) => error instanceof CheckpointError || error instanceof DecoderError,
  async open() {
    const folder = await scratchFolder();
    const at = (name: string): string => join(folder.path, name);
    writeMemoryCheckpoint(at('sound'));
    writeSums(at('sound'));
    const expected = await logitsOf(at('sound'), at('sound-compiled'));
    return {
      async read(random) {
        for (const part of ['model', 'compiled']) rmSync(at(part), { recursive: true, force: true });
        cpSync(at('sound'), at('model'), { recursive: true });
        cpSync(at('sound-compiled'), at('compiled'), { recursive: true });
        const [compiled = ''] = readdirSync(at('compiled'));
        const parts = random() < 0.5 ? at('model') : join(at('compiled'), compiled);
        harm(join(parts, pick(random, readdirSync(parts).sort())), random);
        if (!(await logitsOf(at('model'), at('compiled'))).equals(expected))
          throw new Error('the model computes something else');
      },
      close: folder.remove,
    };
  },
};
