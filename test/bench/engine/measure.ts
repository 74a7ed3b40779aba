import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KvRows, type Decoder, type DecoderContext } from '../../../src/engine';

/** Folder for files that the benches compile, write and install, outside the repository. */
export function benchCache(name: string): string {
  const folder = join(process.env['ANCHORAGE_BENCH_CACHE'] ?? join(homedir(), '.cache', 'anchorage', 'bench'), name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Starts a stopwatch and returns a function that reads it in milliseconds. With one thread it measures the processor
 * time of this process, which other programs affect little. With more threads it measures wall-clock time, because
 * waiting threads use processor time too.
 */
export function stopwatch(threads: number): () => number {
  const now = (): number => {
    if (threads > 1) return performance.now();
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const start = now();
  return () => now() - start;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

export function tokensOf(count: number, vocab: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => (((i + from) * 7919) % (vocab - 100)) + 50);
}

/** Fills a context with rows of noise. Times depend on the number of rows, not on their values. */
export function fill(decoder: Decoder, context: DecoderContext, rows: number): void {
  const { layers, kvHeads, headDim } = decoder.config;
  const step = 1024;
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from);
    const size = layers * kvHeads * count * headDim;
    const noise = (seed: number) =>
      Float32Array.from({ length: size }, (_, i) => (((Math.imul(i + seed, 0x9e3779b1) >>> 16) & 255) - 128) / 256);
    const shape = { layers, kvHeads, headDim, type: 'float32' as const };
    context.splice(
      new KvRows({
        shape,
        keys: noise(from),
        values: noise(from + 7),
        positions: Int32Array.from({ length: count }, (_, i) => i),
        tokens: count,
      }),
      from,
      'noise',
    );
  }
}

/** Median milliseconds of `count` decoded tokens. */
export async function decodeTime(context: DecoderContext, threads: number, count = 20): Promise<number> {
  const times: number[] = [];
  await context.decode(5);
  for (let i = 0; i < count; i++) {
    const elapsed = stopwatch(threads);
    await context.decode(60 + i);
    times.push(elapsed());
  }
  return median(times);
}

export function table(title: string, rows: readonly Record<string, string | number>[]): void {
  console.log(`\n${title}`);
  console.table(rows);
}

export const round = (x: number, digits = 1): number => Number(x.toFixed(digits));
