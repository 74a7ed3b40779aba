import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Decoder, full, generate, type WeightFormat } from '../../../src/engine';
import { generator } from '../../../src/engine/generate/sampling';
import { benchCache, median, round, table, tokensOf } from './measure';
import { bundledShape, randomCheckpoint, smolLM2 } from './random';

/**
 * Measures the memory while a checkpoint of 135M parameters is opened, relative to its compiled weights. Each variant
 * runs in its own process.
 */
export function loading(): void {
  const rows: Record<string, string | number>[] = [];
  for (const weights of ['8bit', '4bit'] as const) {
    for (const what of ['compiling', 'compiled already', 'the same, kernels off: one order of the weights'] as const) {
      const seed = what === 'compiling' ? Date.now() : 1;
      const kernels = !what.includes('off');
      const code = `import(${JSON.stringify(import.meta.url)}).then((bench) => bench.run(['load-alone', '${weights}', '${seed}', '${kernels}']))`;
      const child = spawnSync(process.execPath, ['-e', code], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      rows.push({
        weights,
        what,
        ...(JSON.parse(child.stdout.trim().split('\n').at(-1) as string) as Record<string, number>),
      });
    }
  }
  table('Memory (MB) of a process that opens 135M parameters, reads a prompt and writes a token', rows);
}

/** The process that `loading` measures. It runs on Linux only, because it reads the peak memory from /proc. */
export async function loadAlone(weights: WeightFormat, seed: number, kernels: boolean): Promise<void> {
  const megabytes = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? NaN) / 1024;
  const [before, ownBefore] = [megabytes('VmRSS'), megabytes('RssAnon')];
  const decoder = await Decoder.open(randomCheckpoint(smolLM2, seed), {
    weights,
    threads: 1,
    kernels,
    cacheDirectory: benchCache('compiled'),
  });
  const opened = megabytes('VmHWM');
  const context = decoder.newContext(full(), 64);
  await context.prefill([1, 2, 3]);
  await context.decode(4);
  const compiled = decoder.compiled.byteLength / 2 ** 20;
  const peak = megabytes('VmHWM');
  // Anonymous memory excludes file pages, which the system shares between processes and frees under memory pressure.
  const own = megabytes('RssAnon');
  console.log(
    JSON.stringify({
      'before it': round(before, 0),
      'compiled weights': round(compiled, 0),
      'peak until opened': round(opened, 0),
      'peak until a token': round(peak, 0),
      'own, after': round(own, 0),
      'peak less start / compiled': round((peak - before) / compiled, 2),
      'own less start / compiled': round((own - ownBefore) / compiled, 2),
    }),
  );
  await decoder.close();
}

/**
 * Measures the time from a cancel to the end of the generation, at random moments of prompt and text. The model has the
 * bundled model's shape.
 */
export async function cancelling(): Promise<void> {
  const decoder = await Decoder.open(randomCheckpoint(bundledShape), { threads: 1, cacheDirectory: null });
  const random = generator(3);
  const late: number[] = [];
  const prompt = tokensOf(3000, bundledShape.vocabSize);
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const delay = 20 + random() * 800;
    // The time counts from the scheduled moment, because a run that blocks the thread delays the cancel.
    const due = performance.now() + delay;
    const timer = setTimeout(() => abort.abort(), delay);
    const result = await generate(decoder, decoder.newContext(full(), 4096), prompt, {
      maxNewTokens: 1000,
      stopTokens: [],
      signal: abort.signal,
    });
    clearTimeout(timer);
    if (result.reason === 'cancelled') late.push(performance.now() - due);
  }
  await decoder.close();
  console.log(
    `\nCancelled ${late.length} times: median ${round(median(late))} ms, at most ${round(Math.max(...late))} ms until the generation returned`,
  );
}
