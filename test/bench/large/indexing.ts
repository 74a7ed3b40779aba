/** Indexes very many files, and a very wide folder, in the built worker. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from '../../campaigns/soak-probe';
import { WorkerUnderTest } from '../../worker/harness';
import { bundle } from '../../workspace/files';
import type { LargeOptions } from '../large';
import { peakBytes, processorSeconds } from './process';
import { EXTENSIONS, randomOf, textOf } from './texts';

const DIST = join(process.cwd(), 'dist');
/** Mean size: 120,000 files have 700 MB. */
const MEAN_BYTES = 5_900;
const FILES_IN_FOLDER = 40;
const WATCH_MS = 2_000;
const LIMIT_MS = 3_600_000;

export async function indexFiles({ scratch, files }: LargeOptions): Promise<void> {
  const root = join(scratch, 'work');
  let bytes = 0;
  for (let i = 0; i < files; i++) {
    const random = randomOf(i + 1);
    const extension = EXTENSIONS[i % EXTENSIONS.length] as string;
    const folder = join(root, `part${Math.floor(i / FILES_IN_FOLDER / 50)}`, `unit${Math.floor(i / FILES_IN_FOLDER)}`);
    if (i % FILES_IN_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const text = `${marker(i)}\n${textOf(extension, MEAN_BYTES * (0.2 + 1.6 * random()), random)}`;
    bytes += text.length;
    writeFileSync(join(folder, `module${i}.${extension}`), extension === 'json' ? text.replace(/^.*\n/, '') : text);
  }
  console.log(`files: ${files.toLocaleString('en')} files, ${Math.round(bytes / 1e6)} MB`);
  await measure(root, join(scratch, 'store'), {
    anyFile: join(root, 'part0', 'unit0', 'module0.ts'),
    word: 'zzfile0x',
  });
}

const marker = (i: number): string => `// zzfile${i}x`;

/** Files of a few bytes, nine of ten ignored one by one, in one folder. */
export async function indexWideFolder({ scratch, entries }: LargeOptions): Promise<void> {
  const root = join(scratch, 'wide');
  mkdirSync(root);
  for (let i = 0; i < entries; i++) writeFileSync(join(root, `entry${i}.${i % 10 ? 'log' : 'txt'}`), `zzfile${i}x\n`);
  writeFileSync(join(root, '.gitignore'), '*.log\n*a*a*a*b\n!keep*.log\nentry[0-3]?7.txt\n');
  console.log(`wide: one folder of ${entries.toLocaleString('en')} entries, nine of ten ignored by rules`);
  await measure(root, join(scratch, 'wide-store'), { anyFile: join(root, 'entry0.txt'), word: 'zzfile0x' });
}

interface Asked {
  anyFile: string;
  word: string;
}

async function measure(root: string, storage: string, { anyFile, word }: Asked): Promise<void> {
  mkdirSync(storage, { recursive: true });
  const samplesFile = join(storage, '..', 'samples');
  const probe = bundle('test/campaigns/soak-probe.ts', join(storage, '..', 'probe.cjs'));
  const worker = new WorkerUnderTest(DIST, {
    NODE_OPTIONS: `--require "${probe}"`,
    SOAK_FILE: samplesFile,
    SOAK_SAMPLE_MS: '3000',
  });
  const pid = worker.child.pid as number;
  const started = performance.now();
  const slowest = { status: 0, why: 0, search: 0 };
  const timed = async <T>(kind: keyof typeof slowest, request: Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await request;
    slowest[kind] = Math.max(slowest[kind], performance.now() - from);
    return result;
  };
  let firstAnswer: { seconds: number; processor: number; indexed: number } | undefined;
  try {
    await worker.initialize({
      folders: [{ name: 'work', directory: root }],
      storageDirectory: storage,
    });
    let terminal: string | undefined;
    for (;;) {
      const status = await timed('status', worker.request('index/status', null));
      await timed('why', worker.request('index/why', { file: anyFile }));
      if (!firstAnswer && status.filesIndexed > 0) {
        const scope = { kind: 'workspace' } as const;
        const { spans } = await timed('search', worker.request('search', { question: word, scope, limit: 5 }));
        if (spans.length > 0)
          firstAnswer = {
            seconds: (performance.now() - started) / 1_000,
            processor: processorSeconds(pid),
            indexed: status.filesIndexed,
          };
      }
      if (status.state === 'ready') break;
      if (performance.now() - started > LIMIT_MS) throw new Error(`not indexed after an hour: ${status.reason}`);
      if (status.state === 'indexing') terminal ??= terminalMeanwhile(root, storage, anyFile);
      await sleep(WATCH_MS);
    }
    const seconds = (performance.now() - started) / 1_000;
    const processor = processorSeconds(pid);
    const { filesIndexed, segments, storeBytes } = await worker.request('index/status', null);
    console.log(
      `  indexed ${filesIndexed.toLocaleString('en')} files, ${segments.toLocaleString('en')} segments in ` +
        `${processor.toFixed(0)} s of processor time (${(processor / 2).toFixed(0)} s on two idle cores; ` +
        `${seconds.toFixed(0)} s here), peak ${mb(peakBytes(pid))}, store ${mb(storeBytes)}`,
    );
    if (firstAnswer)
      console.log(
        `  first answer after ${firstAnswer.processor.toFixed(1)} s of processor time (${firstAnswer.seconds.toFixed(1)} s here), ` +
          `with ${firstAnswer.indexed.toLocaleString('en')} files indexed`,
      );
    console.log(
      `  meanwhile: status ${ms(slowest.status)}, why ${ms(slowest.why)} at worst; event loop held ` +
        `${ms(longestHold(samplesFile))} of processor time at worst`,
    );
    if (terminal) console.log(terminal);
  } finally {
    await worker.end();
  }
}

/** The terminal commands that only tell what is there, while another process indexes. */
function terminalMeanwhile(root: string, storage: string, file: string): string {
  const lines = [['status'], ['why', file]].map((command) => {
    const from = performance.now();
    const program = ['-e', TIMED, join(DIST, 'cli.js'), ...command, '--workspace', root, '--storage', storage];
    const { stdout, status } = spawnSync(process.execPath, program, { encoding: 'utf8' });
    const processor = Number(stdout.trim().split('\n').at(-1)) / 1e6;
    return `${command[0]} ${processor.toFixed(2)} s of processor time (${((performance.now() - from) / 1e3).toFixed(1)} s here, exit ${status})`;
  });
  return `  terminal meanwhile: ${lines.join(', ')}`;
}

/** Runs a program in a child and prints its processor time last. */
const TIMED = `
const { spawnSync } = require('node:child_process');
const { stdout, status } = spawnSync(process.execPath, process.argv.slice(1), { encoding: 'utf8' });
process.stdout.write(stdout);
const fields = require('node:fs').readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /s, '').split(' ');
console.log('\\n' + (Number(fields[13]) + Number(fields[14])) * 1e4);
process.exitCode = status;
`;

function longestHold(file: string): number {
  const samples = `${file}.worker.js`;
  if (!existsSync(samples)) return NaN;
  const lines = readFileSync(samples, 'utf8').trim().split('\n');
  return Math.max(...lines.map((line) => (JSON.parse(line) as Sample).held));
}

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
const ms = (value: number): string => `${Math.round(value)} ms`;
