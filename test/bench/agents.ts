/**
 * `npm run bench -- agents FOLDER [CLIENTS]`: times the built server for agents as a client sees it: from the start of
 * the process to the first result without an index, with one, and with the worker of another server; later searches;
 * and several servers at once beside one alone, with the memory of all their processes.
 *
 * The first result comes before all is indexed. For each question its spans are compared with those of the whole index.
 * The servers at once are asked twice: without a pause, where as many servers as the machine has cores keep it busy,
 * and with a pause of a second before each search, as an agent's model needs one at least.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const SEARCHES = 20;
const PAUSED_SEARCHES = 10;
const QUESTIONS = [
  'where is the session cookie signed?',
  'how are retries scheduled?',
  'parse the command line options',
  'which function merges two sets of coordinates?',
  'close idle connections of the pool',
];

export async function run([folder, count = '4']: readonly string[]): Promise<void> {
  if (folder === undefined) throw new Error('Name a folder.');
  const early = await firstResults(folder);
  const cache = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  try {
    await indexed(folder, cache);
    await endWorkers(cache);
    const warm = await opened(folder, cache);
    console.log(`first result with an index: ${warm.first.toFixed(0)} ms, ${cost(warm)} (${warm.files} files)`);
    await compare(early, warm.client);
    const before = processorTime(warm.pid, cache);
    const alone = await searches(warm.client);
    const each = (processorTime(warm.pid, cache) - before) / alone.length;
    console.log(
      `later searches: median ${middle(alone)} ms, worst ${Math.max(...alone).toFixed(0)} ms, ${each.toFixed(0)} ms of processor time`,
    );
    const others: Opened[] = [];
    for (let i = 1; i < Number(count); i++) others.push(await opened(folder, cache));
    const clients = [warm, ...others].map(({ client }) => client);
    const firsts = others.map(({ first }) => first);
    console.log(
      `first result beside another server: median ${middle(firsts)} ms, worst ${Math.max(...firsts).toFixed(0)} ms`,
    );
    const workers = workersOf(cache);
    const servers = [warm, ...others].map(({ pid }) => memoryOf(pid));
    const memory = [...servers, ...workers.map(memoryOf)].reduce((sum, megabytes) => sum + megabytes, 0);
    console.log(`memory of ${count} servers: ${memory.toFixed(0)} MB, with ${workers.length} shared workers`);
    for (const pause of [0, 1_000]) {
      // In turns, so that a change of the machine's load touches both sides.
      const together: number[] = [];
      const again: number[] = [];
      for (let round = 0; round < 3; round++) {
        together.push(...(await Promise.all(clients.map((client) => searches(client, pause)))).flat());
        again.push(...(await searches(warm.client, pause)));
      }
      const ratio = Number(middle(together)) / Number(middle(again));
      console.log(
        `${count} servers at once on ${cpus().length} cores, ${pause === 0 ? 'without a pause' : 'a second before each search'}: median ${middle(together)} ms, alone ${middle(again)} ms, ratio ${ratio.toFixed(2)}`,
      );
    }
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await endWorkers(cache);
    rmSync(cache, { recursive: true, force: true });
  }
}

const cost = ({ processor }: Opened): string => `${processor.toFixed(0)} ms of processor time`;

/** Asks each question as the first of a server without an index. Returns the places found. */
async function firstResults(folder: string): Promise<Map<string, readonly string[]>> {
  const places = new Map<string, readonly string[]>();
  const all: Opened[] = [];
  for (const question of QUESTIONS) {
    const cache = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
    const cold = await opened(folder, cache, question);
    await cold.client.close();
    await endWorkers(cache);
    rmSync(cache, { recursive: true, force: true });
    all.push(cold);
    places.set(question, cold.places);
  }
  const cold = [...all].sort((a, b) => a.first - b.first)[Math.floor(all.length / 2)] as Opened;
  const worst = Math.max(...all.map(({ first }) => first));
  console.log(
    `first result without an index, ${all.length} questions: median ${cold.first.toFixed(0)} ms, ${cost(cold)}, ` +
      `from ${cold.files} of ${cold.known} files; worst ${worst.toFixed(0)} ms`,
  );
  return places;
}

/** Compares the first results with those of the whole index. */
async function compare(early: ReadonlyMap<string, readonly string[]>, client: Client): Promise<void> {
  let [best, shared, all] = [0, 0, 0];
  for (const [question, places] of early) {
    const { places: whole } = await ask(client, question);
    if (whole[0] === places[0]) best++;
    shared += whole.filter((place) => places.includes(place)).length;
    all += whole.length;
  }
  console.log(
    `first results beside those of the whole index: best span the same ${best} of ${early.size}, of all spans ${shared} of ${all}`,
  );
}

/** Waits until a server has indexed everything. */
async function indexed(folder: string, cache: string): Promise<void> {
  const { client } = await opened(folder, cache);
  while (!(await ask(client, QUESTIONS[0] ?? '')).complete) await new Promise((resolve) => setTimeout(resolve, 500));
  await client.close();
}

interface Asked {
  files: number;
  known: number;
  complete: boolean;
  /** `path:first-last` of each span, best first. */
  places: readonly string[];
}

interface Opened extends Asked {
  client: Client;
  pid: number | null;
  /** Milliseconds from the start of the process to the first result. */
  first: number;
  /** Processor time of the server until then, with its threads: a busy machine lengthens only the former. */
  processor: number;
}

async function opened(folder: string, cache: string, question = QUESTIONS[0] ?? ''): Promise<Opened> {
  const started = performance.now();
  const client = new Client({ name: 'bench', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join('dist', 'cli.js'), 'mcp', '--workspace', folder],
    env: { ...(process.env as Record<string, string>), XDG_CACHE_HOME: cache },
  });
  await client.connect(transport);
  const asked = await ask(client, question);
  const first = performance.now() - started;
  return { ...asked, client, pid: transport.pid, first, processor: processorTime(transport.pid, cache) };
}

async function ask(client: Client, query: string): Promise<Asked> {
  const { structuredContent } = await client.callTool({ name: 'search', arguments: { query } });
  const { coverage, results } = structuredContent as {
    coverage: { filesIndexed: number; filesKnown: number; complete: boolean };
    results: readonly { path: string; startLine: number; endLine: number }[];
  };
  const places = results.map(({ path, startLine, endLine }) => `${path}:${startLine}-${endLine}`);
  return { files: coverage.filesIndexed, known: coverage.filesKnown, complete: coverage.complete, places };
}

/** Milliseconds of processor time of a server and its worker, as Linux counts it; NaN elsewhere. */
function processorTime(server: number | null, cache: string): number {
  let time = 0;
  for (const pid of [server, ...workersOf(cache)]) {
    const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
    time += 10 * (Number(fields[11]) + Number(fields[12]));
  }
  return time;
}

/** Megabytes of memory of a process, its part of shared pages included. */
function memoryOf(pid: number | null): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1]) / 1024;
}

/** The workers whose sockets lie in a cache. */
function workersOf(cache: string): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.filter((pid) => read(`/proc/${pid}/cmdline`).includes(`--listen\0${cache}`)).map(Number);
}

async function endWorkers(cache: string): Promise<void> {
  for (const pid of workersOf(cache)) process.kill(pid);
  while (workersOf(cache).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function searches(client: Client, pause = 0): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < (pause > 0 ? PAUSED_SEARCHES : SEARCHES); i++) {
    // Clients that all began at once would go on in step.
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    const started = performance.now();
    await ask(client, QUESTIONS[i % QUESTIONS.length] ?? '');
    times.push(performance.now() - started);
  }
  return times;
}

function middle(times: readonly number[]): string {
  return ([...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(0);
}
