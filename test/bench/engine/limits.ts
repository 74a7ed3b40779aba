import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Decoder, full, generate, lambda, openCheckpoint, type AttentionPolicy, type WeightFormat } from '../../../src/engine';
import { generator } from '../../../src/engine/generate/sampling';
import { sharedData } from '../../shared-data';
import { benchCache, median, round, table, tokensOf } from './measure';
import { bundledShape, randomCheckpoint, smolLM2 } from './random';

/** Memory while a checkpoint of 135M parameters is opened, beside its compiled weights; each in a process of its own. */
export function loading(): void {
  const rows: Record<string, string | number>[] = [];
  for (const weights of ['8bit', '4bit'] as const) {
    for (const what of ['compiling', 'compiled already'] as const) {
      const seed = what === 'compiling' ? Date.now() : 1;
      const code = `import(${JSON.stringify(import.meta.url)}).then((bench) => bench.run(['load-alone', '${weights}', '${seed}']))`;
      const child = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      rows.push({ weights, what, ...(JSON.parse(child.stdout.trim().split('\n').at(-1) as string) as Record<string, number>) });
    }
  }
  table('Memory (MB) of a process that opens 135M parameters, reads a prompt and writes a token', rows);
}

/** The process that `loading` measures. Linux only: the peak is read from the system. */
export async function loadAlone(weights: WeightFormat, seed: number): Promise<void> {
  const megabytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? NaN) / 1024;
  const before = megabytes('VmRSS');
  const decoder = await Decoder.open(randomCheckpoint(smolLM2, seed), { weights, threads: 1, cacheDirectory: benchCache('compiled') });
  const opened = megabytes('VmHWM');
  const context = decoder.newContext(full(), 64);
  await context.prefill([1, 2, 3]);
  await context.decode(4);
  const compiled = decoder.compiled.byteLength / 2 ** 20;
  const peak = megabytes('VmHWM');
  console.log(JSON.stringify({ 'before it': round(before, 0), 'compiled weights': round(compiled, 0), 'peak until opened': round(opened, 0), 'peak until a token': round(peak, 0), 'own, after': round(megabytes('RssAnon'), 0), 'peak less start / compiled': round((peak - before) / compiled, 2) }));
  await decoder.close();
}

/** How long a generation goes on after it was cancelled, at any moment of prompt and text; the bundled model's shape. */
export async function cancelling(): Promise<void> {
  const decoder = await Decoder.open(randomCheckpoint(bundledShape), { threads: 1, cacheDirectory: null });
  const random = generator(3);
  const late: number[] = [];
  const prompt = tokensOf(3000, bundledShape.vocabSize);
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const delay = 20 + random() * 800;
    // From when it was due: while a run holds the thread no cancel is heard.
    const due = performance.now() + delay;
    const timer = setTimeout(() => abort.abort(), delay);
    const result = await generate(decoder, decoder.newContext(full(), 4096), prompt, { maxNewTokens: 1000, stopTokens: [], signal: abort.signal });
    clearTimeout(timer);
    if (result.reason === 'cancelled') late.push(performance.now() - due);
  }
  await decoder.close();
  console.log(`\nCancelled ${late.length} times: median ${round(median(late))} ms, at most ${round(Math.max(...late))} ms until the generation returned`);
}

const COPY = 48;

/** Λ's optional middle rows on a copy task: a passage of shuffled words, more text than the window holds, and the passage again. How well is its second half read? */
export async function recall(): Promise<void> {
  for (const { name, window, sinks } of [{ name: 'babyllama-char', window: 192, sinks: 8 }, { name: 'stories260K', window: 384, sinks: 8 }] as const) {
    const directory = sharedData(`checkpoints/${name}`);
    const file = sharedData(`text/tinystories-rows-${name}.json`);
    if (!directory || !file) continue;
    const checkpoint = await openCheckpoint(directory);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    await checkpoint.close();
    const texts = JSON.parse(readFileSync(file, 'utf8')) as number[][];
    const middle = (k: number, fromLayer: number) => lambda({ sinks, window, middle: { k, fromLayer } });
    const kinds: [string, () => AttentionPolicy, number][] = [
      ['Λ, the passage within the window', () => lambda({ sinks, window }), Math.floor(window / 4)], ['Λ, beyond it', () => lambda({ sinks, window }), 2 * window],
      ...[1, 2].flatMap((layer) => [5, 20].map((k): [string, () => AttentionPolicy, number] => [`and ${k} middle rows from layer ${layer}`, () => middle(k, layer), 2 * window])),
    ];
    const rows = [];
    for (const [what, policy, between] of kinds) {
      let [right, nats, count] = [0, 0, 0];
      for (const [i, text] of texts.entries()) {
        const random = generator(i);
        const passage = text.slice(1, 1 + COPY).map((token) => ({ token, order: random() })).sort((a, b) => a.order - b.order).map(({ token }) => token);
        const filler = (texts[(i + 1) % texts.length] as number[]).slice(1, 1 + between);
        const context = decoder.newContext(policy(), 4 * window + 4 * COPY);
        let { logits } = await context.prefill([text[0] as number, ...passage, ...filler, ...passage.slice(0, COPY / 2)]);
        for (const token of passage.slice(COPY / 2)) {
          const most = logits.reduce((a, b) => Math.max(a, b));
          nats += Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most - (logits[token] as number);
          if (logits.indexOf(most) === token) right++;
          count++;
          logits = await context.decode(token);
        }
      }
      rows.push({ what, 'tokens right %': round((100 * right) / count), nats: round(nats / count, 3) });
    }
    table(`${name}: the second half of a repeated passage of ${COPY} tokens (window ${window})`, rows);
    await decoder.close();
  }
}
