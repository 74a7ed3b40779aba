/**
 * `npm run bench -- agents FOLDER [CLIENTS]`: times the built server for agents as a client sees it: from the start of
 * the process to the first result without an index and with one, later searches, and several servers at once on one
 * index beside one alone.
 *
 * The first result comes before all is indexed. For each question its spans are compared with those of the whole index.
 * The servers at once are asked twice: without a pause, where as many servers as the machine has cores keep it busy,
 * and with a pause of a second before each search, as an agent's model needs one at least.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
    const warm = await opened(folder, cache);
    console.log(`first result with an index: ${warm.first.toFixed(0)} ms, ${cost(warm)} (${warm.files} files)`);
    await compare(early, warm.client);
    const before = processorTime(warm.pid);
    const alone = await searches(warm.client);
    const each = (processorTime(warm.pid) - before) / alone.length;
    console.log(
      `later searches: median ${middle(alone)} ms, worst ${Math.max(...alone).toFixed(0)} ms, ${each.toFixed(0)} ms of processor time`,
    );
    const others = await Promise.all(
      Array.from({ length: Number(count) - 1 }, async () => (await opened(folder, cache)).client),
    );
    const clients = [warm.client, ...others];
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
  return { ...asked, client, pid: transport.pid, first, processor: processorTime(transport.pid) };
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

/** Milliseconds of processor time of a process, as Linux counts it; NaN elsewhere. */
function processorTime(pid: number | null): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return NaN;
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
