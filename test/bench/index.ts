/**
 * `npm run bench -- index FOLDER…`: indexes a copy of each folder (a checkout) in fresh processes and prints times and
 * sizes: the first pass, an unchanged restart, a saved file (just after the start, and later), a branch switch, and
 * searches: by words, with the memories of the whole folder and the sentence encoder, and while the folder is encoded.
 * The time to read and hash the same files is the lower bound. `--only cold,memories` runs these steps alone.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Search, type SearchMemory, type SentenceEncoding } from '../../src/search';
import { WorkspaceFolders } from '../../src/workspace/sources/folders';
import { sha256 } from '../../src/base/node';
import { walk, WalkReport } from '../../src/workspace/sources/walk';
import { Workspace } from '../../src/workspace/workspace';
import { bundle } from '../workspace/files';
import { bundledEngine } from './memory/bundled-engine';
import { filledMemory } from './memory/made-up';

const SETTINGS = {
  filesExclude: ['**/.git', '**/.svn', '**/.hg', '**/CVS', '**/.DS_Store', '**/Thumbs.db'],
  maxFileBytes: 2_000_000,
};
const QUESTIONS = [
  'how are options parsed',
  'where is the configuration loaded',
  'what happens when the connection is closed',
  'error handling for invalid input',
  'how is the cache invalidated',
  'read a file into memory',
  'parse the arguments of a command',
  'which class renders the template',
  'test for unicode strings',
  'how does logging work',
  'serialize an object to json',
  'retry with backoff',
  'compute the hash of a string',
  'register a plugin',
  'resolve a relative path',
  'where are requests sent',
  'default timeout value',
  'thread pool shutdown',
  'convert between time zones',
  'sort the items of a list',
  'what does merge do',
  'validate the schema',
  'install the dependencies',
  'how are events dispatched',
  'split text into tokens',
];

/** Milliseconds between the start and the first save of a session, in which a user opens, reads and changes a file. */
const BEFORE_SAVING_MS = 5_000;

interface Task {
  mode: 'cold' | 'restart' | 'early' | 'live' | 'memories' | 'encoding' | 'floor';
  folder: string;
  storage: string;
  threadScript: string;
}

/** Runs one step in a fresh process, so that the peak memory belongs to this step. */
export async function child(task: Task): Promise<void> {
  const result = task.mode === 'floor' ? await floor(task) : await withLibrary(task);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  process.stdout.write(
    JSON.stringify({ ...result, peakMB: maxRSS / 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }),
  );
}

async function floor({ folder }: Task): Promise<Record<string, number>> {
  const started = performance.now();
  let bytes = 0;
  for await (const { file, size } of walk(
    new WorkspaceFolders([{ name: 'bench', directory: folder }]),
    SETTINGS,
    new WalkReport(),
  )) {
    sha256(readFileSync(file, 'utf8'));
    bytes += size;
  }
  return { seconds: (performance.now() - started) / 1000, bytes };
}

async function withLibrary({ mode, folder, storage, threadScript }: Task): Promise<Record<string, number>> {
  const started = performance.now();
  const library = await Workspace.open({
    folders: [{ name: 'bench', directory: folder }],
    storageDirectory: storage,
    settings: SETTINGS,
    threadScript,
  });
  const opened = performance.now();
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 5);
    last = performance.now();
  }, 5);
  await library.start();
  clearInterval(beat);
  const done = performance.now();
  const status = library.status();
  const measured: Record<string, number> = {
    seconds: (done - started) / 1000,
    openSeconds: (opened - started) / 1000,
    files: status.filesIndexed,
    bytes: status.bytesIndexed,
    segments: status.segments,
    storeBytes: status.storeBytes,
    longestMs: longest,
  };
  if (mode === 'early') Object.assign(measured, await saving(library, 1));
  if (mode === 'live') Object.assign(measured, await live(library));
  if (mode === 'memories') Object.assign(measured, await withMemories(library, storage));
  if (mode === 'encoding') Object.assign(measured, await whileEncoding(library, storage));
  await library.close();
  return measured;
}

async function live(library: Workspace): Promise<Record<string, number>> {
  await new Promise((resolve) => setTimeout(resolve, BEFORE_SAVING_MS));
  const saved = await saving(library, 15);
  const searched = await searching(library);
  const burst = indexedCode(library).filter((_, i) => i % 10 === 0);
  for (const { file } of burst) writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
  const started = performance.now();
  await library.applyChanges(burst.map(({ file }) => ({ file, type: 'changed' as const })));
  return { ...saved, ...searched, burstFiles: burst.length, burstMs: performance.now() - started };
}

const indexedCode = (library: Workspace): { path: string; file: string }[] =>
  [...library.documents()].filter(({ segments }) => segments > 2);

/** Saves files across the workspace, one after another, each with a unique word, and searches for the word. */
async function saving(library: Workspace, count: number): Promise<Record<string, number>> {
  const documents = indexedCode(library);
  const saves: number[] = [];
  const saveCpu: number[] = [];
  for (let i = 0; i < count; i++) {
    const target = documents[Math.floor(((i + 0.5) / count) * documents.length)];
    if (!target) break;
    const word = `${count === 1 ? 'early' : 'zanzibar'}${'abcdefghijklmnopqrst'[i]}quokka`;
    writeFileSync(target.file, `${readFileSync(target.file, 'utf8')}\n# ${word}\n`);
    const started = performance.now();
    const cpu = process.cpuUsage();
    await library.applyChanges([{ file: target.file, type: 'changed' }]);
    const { spans } = await new Search({ workspace: library }).search(word, { scope: { kind: 'workspace' }, limit: 5 });
    saves.push(performance.now() - started);
    saveCpu.push(cpuMs(cpu));
    if (spans[0]?.path !== target.path) throw new Error(`${target.path}: the saved text was not found.`);
  }
  return { saveMedian: quantile(saves, 0.5), saveMax: Math.max(...saves), saveCpu: quantile(saveCpu, 0.5) };
}

async function searching(
  library: Workspace,
  memory?: SearchMemory,
  sentences?: SentenceEncoding,
): Promise<Record<string, number>> {
  const search = new Search({ workspace: library, memory: () => memory, sentences: () => sentences });
  const searches: number[] = [];
  const searchCpu: number[] = [];
  for (let round = 0; round < 2; round++) {
    for (const question of QUESTIONS) {
      const started = performance.now();
      const cpu = process.cpuUsage();
      await search.search(question, { scope: { kind: 'workspace' }, limit: 20 });
      searches.push(performance.now() - started);
      searchCpu.push(cpuMs(cpu));
    }
  }
  return {
    searchCpu: quantile(searchCpu, 0.5),
    searchCpu95: quantile(searchCpu, 0.95),
    searchMedian: quantile(searches, 0.5),
    search95: quantile(searches, 0.95),
  };
}

/**
 * Measures searches with a record for each segment. The first ones fill the caches. Then the sentence encoder also
 * reads passages of prose while a question waits, as it does for answers.
 */
async function withMemories(library: Workspace, storage: string): Promise<Record<string, number>> {
  const { memory, sentences, tokens, passages, close } = await filledMemory(library, storage);
  await searching(library, memory);
  const searched = await searching(library, memory);
  const { searchCpu: proseCpu = 0, searchMedian: proseMedian = 0 } = await searching(library, memory, sentences);
  await close();
  return { ...searched, tokens, passages, proseCpu, proseMedian };
}

/** Measures searches while the bundled model encodes the same workspace in its own process. */
async function whileEncoding(library: Workspace, storage: string): Promise<Record<string, number>> {
  const engine = await bundledEngine(join(storage, 'compiled'));
  const stop = new AbortController();
  let segments = 0;
  const encoding = (async (): Promise<void> => {
    for (const { path } of library.documents()) {
      const both = await library.indexed(path);
      const texts = both?.segmented.segments.map(({ start, end }) => both.document.text.slice(start, end)) ?? [];
      for (let i = 0; i < texts.length && !stop.signal.aborted; i += 16) {
        await engine.request('encode', { texts: texts.slice(i, i + 16) }, stop.signal);
        segments += Math.min(16, texts.length - i);
      }
      if (stop.signal.aborted) return;
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  while (segments === 0) await Promise.race([encoding, new Promise((resolve) => setTimeout(resolve, 50))]);
  const before = segments;
  const searched = await searching(library);
  const encoded = segments - before;
  stop.abort();
  await encoding;
  engine.close();
  return { ...searched, encoded };
}

/** CPU milliseconds since `since`. Other load on the machine hardly affects them. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { only: { type: 'string' } },
  });
  if (positionals.length === 0) {
    console.log('Usage: npm run bench -- index FOLDER… [--only STEP,STEP]');
    return;
  }
  const steps = new Set(values.only?.split(',') ?? STEPS);
  const here = fileURLToPath(import.meta.url);
  const threadScript = bundle('src/workspace/segments/thread.ts', join(dirname(here), 'segment-thread.cjs'));
  for (const source of positionals) {
    const scratch = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
    try {
      const folder = join(scratch, basename(source));
      cpSync(source, folder, { recursive: true, verbatimSymlinks: true, filter: (file) => basename(file) !== '.git' });
      const child = (mode: Task['mode']): Record<string, number> =>
        inChild(here, { mode, folder, storage: join(scratch, 'store'), threadScript });
      measure(basename(source), child, steps);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

function inChild(bundle: string, task: Task): Record<string, number> {
  const code = `import(${JSON.stringify(`file://${bundle}`)}).then((bench) => bench.child(${JSON.stringify(task)}))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    cwd: process.cwd(),
  });
  if (status !== 0) throw new Error(`${task.mode} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, number>;
}

const STEPS = ['cold', 'restart', 'saved', 'memories', 'encoding'];

function measure(
  name: string,
  child: (mode: Task['mode']) => Record<string, number>,
  steps: ReadonlySet<string>,
): void {
  const n = (value: number | undefined, digits = 1): string => (value ?? NaN).toFixed(digits);
  const searched = ({ searchMedian, search95, searchCpu, searchCpu95 }: Record<string, number>): string =>
    `median ${n(searchMedian, 0)} ms, p95 ${n(search95, 0)} ms (${n(searchCpu, 0)} and ${n(searchCpu95, 0)} ms of CPU)`;
  const floorRun = child('floor');
  // The other steps need its index.
  const cold = child('cold');
  const megabytes = (cold.bytes ?? 0) / 1e6;
  console.log(`${name}: ${cold.files} files, ${n(megabytes)} MB, ${cold.segments} segments`);
  console.log(
    `  cold       ${n(cold.seconds)} s (${n(cold.cpuSeconds)} s of CPU, ${n((cold.cpuSeconds ?? 0) / (floorRun.cpuSeconds ?? 1))} × reading and hashing), peak ${n(cold.peakMB, 0)} MB, store ${n((cold.storeBytes ?? 0) / 1e6)} MB = ${n((cold.storeBytes ?? 0) / (cold.bytes ?? 1), 2)} × text, event loop held ≤ ${n(cold.longestMs, 0)} ms`,
  );
  if (steps.has('restart')) {
    const restarts = [child('restart'), child('restart'), child('restart')].map(({ seconds }) => seconds ?? NaN);
    console.log(`  restart    ${n(quantile(restarts, 0.5), 2)} s unchanged (median of 3)`);
  }
  if (steps.has('memories')) {
    const filled = child('memories');
    console.log(
      `  search     with memories of ${n((filled.tokens ?? 0) / 1e6)} M tokens, ${filled.passages} passages: ${searched(filled)}`,
    );
    console.log(
      `  …          while the encoder reads passages of prose: median ${n(filled.proseMedian, 0)} ms (${n(filled.proseCpu, 0)} ms of CPU)`,
    );
  }
  if (steps.has('saved')) {
    const early = child('early');
    const alive = child('live');
    console.log(
      `  saved file ${n(alive.saveMedian, 0)} ms to be found (worst ${n(alive.saveMax, 0)}; median ${n(alive.saveCpu, 0)} ms of CPU; in the second of the start ${n(early.saveMax, 0)})`,
    );
    console.log(`  search     ${searched(alive)}`);
    console.log(`  burst      ${alive.burstFiles} files changed: ${n(alive.burstMs, 0)} ms`);
  }
  if (steps.has('encoding')) {
    const busy = child('encoding');
    console.log(`  … while the bundled model encodes (${n(busy.encoded, 0)} segments meanwhile): ${searched(busy)}`);
  }
}
