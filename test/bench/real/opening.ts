/** Opening of a model: processor time, size on disk, and memory beside llama.cpp's, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decoder, full, openCheckpoint } from '../../../src/engine';
import { loadLlama } from '../engine/llama';
import { round, table } from '../engine/measure';

/** Rows of the context, tokens of the prompt, and tokens that are written. */
const ROWS = 2_048;
const PROMPT = 1_024;
const WRITTEN = 16;
const TEXT = 'docs/architecture.md';

export type OpeningArm = 'first' | 'later' | 'llama.cpp';

type Measured = Record<string, string | number>;

/** Prints a row for the first opening, a later one, and llama.cpp. */
export function openings(model: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'anchorage-opening-'));
  try {
    const rows = (['first', 'later', 'llama.cpp'] as const).map((arm) => {
      const code = `import(${JSON.stringify(import.meta.url)}).then((bench) => bench.run(${JSON.stringify(['open-alone', model, arm, folder])}))`;
      const child = spawnSync(process.execPath, ['-e', code], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return JSON.parse(child.stdout.trim().split('\n').at(-1) as string) as Measured;
    });
    table(
      `A process that opens ${round(statSync(model).size / 1e6, 0)} MB of weights, reads ${PROMPT} tokens and writes ${WRITTEN} (MB; processor time in seconds)`,
      rows,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The process that `openings` measures. It runs on Linux only, because it reads the memory from /proc. */
export async function openAlone(model: string, arm: OpeningArm, folder: string): Promise<void> {
  const started = process.cpuUsage();
  const measured = arm === 'llama.cpp' ? await readWithLlama(model) : await readWithOurs(model, folder);
  const { opened, compiled } = measured;
  console.log(
    JSON.stringify({
      opening: arm,
      'opening, s': secondsBetween(started, opened),
      'all, s': secondsBetween(started, process.cpuUsage()),
      'compiled file': compiled,
      resident: megabytes('VmRSS'),
      'of it own': megabytes('RssAnon') + megabytes('RssShmem'),
      'of it mapped': megabytes('RssFile'),
      peak: megabytes('VmHWM'),
    }),
  );
  process.exit(0);
}

interface Opened {
  opened: NodeJS.CpuUsage;
  compiled: number | string;
}

async function readWithOurs(model: string, cacheDirectory: string): Promise<Opened> {
  const checkpoint = await openCheckpoint(model);
  const decoder = await Decoder.open(checkpoint, { weights: '4bit', threads: 1, cacheDirectory });
  const tokens = (await checkpoint.openTokenizer()).encode(readFileSync(TEXT, 'utf8')).slice(0, PROMPT);
  await checkpoint.close();
  const opened = process.cpuUsage();
  const context = decoder.newContext(full(), ROWS);
  await context.prefill(tokens);
  for (let i = 0; i < WRITTEN; i++) await context.decode(60 + i);
  return { opened, compiled: round(decoder.compiled.byteLength / 1e6, 0) };
}

async function readWithLlama(modelPath: string): Promise<Opened> {
  const llama = await (await loadLlama()).getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const loaded = await llama.loadModel({ modelPath });
  const opened = process.cpuUsage();
  const context = await loaded.createContext({ contextSize: ROWS, flashAttention: true, threads: 1 });
  const sequence = context.getSequence();
  await sequence.evaluateWithoutGeneratingNewTokens(loaded.tokenize(readFileSync(TEXT, 'utf8')).slice(0, PROMPT));
  let written = 0;
  for await (const _token of sequence.evaluate([60], { temperature: 0 })) if (++written === WRITTEN) break;
  return { opened, compiled: '–' };
}

function secondsBetween(from: NodeJS.CpuUsage, to: NodeJS.CpuUsage): number {
  return round((to.user + to.system - from.user - from.system) / 1e6);
}

function megabytes(field: string): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Math.round((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) * 1_024) / 1e6);
}
