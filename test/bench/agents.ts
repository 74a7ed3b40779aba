/**
 * `npm run bench -- agents FOLDER [CLIENTS]`: times the built server for agents as a client sees it: from the start of
 * the process to the first result without an index and with one, later searches, and several servers at once on one
 * index beside one alone.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const SEARCHES = 20;
const QUESTIONS = [
  'where is the session cookie signed?',
  'how are retries scheduled?',
  'parse the command line options',
  'which function merges two sets of coordinates?',
  'close idle connections of the pool',
];

export async function run([folder, count = '4']: readonly string[]): Promise<void> {
  if (folder === undefined) throw new Error('Name a folder.');
  const cache = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  try {
    const cold = await opened(folder, cache);
    const cost = ({ processor }: Opened): string => `${processor.toFixed(0)} ms of processor time`;
    console.log(`first result without an index: ${cold.first.toFixed(0)} ms, ${cost(cold)} (${cold.files} files)`);
    await cold.client.close();
    const warm = await opened(folder, cache);
    console.log(`first result with an index: ${warm.first.toFixed(0)} ms, ${cost(warm)}`);
    const alone = await searches(warm.client);
    console.log(`later searches: median ${middle(alone)} ms, worst ${Math.max(...alone).toFixed(0)} ms`);
    const others = await Promise.all(
      Array.from({ length: Number(count) - 1 }, async () => (await opened(folder, cache)).client),
    );
    // In turns, so that a change of the machine's load touches both sides.
    const together: number[] = [];
    const again: number[] = [];
    for (let round = 0; round < 3; round++) {
      together.push(...(await Promise.all([warm.client, ...others].map((client) => searches(client)))).flat());
      again.push(...(await searches(warm.client)));
    }
    const ratio = Number(middle(together)) / Number(middle(again));
    console.log(
      `${count} servers at once: median ${middle(together)} ms, alone ${middle(again)} ms, ratio ${ratio.toFixed(2)}`,
    );
    await Promise.all([warm.client, ...others].map((client) => client.close()));
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

interface Opened {
  client: Client;
  /** Milliseconds from the start of the process to the first result. */
  first: number;
  /** Processor time of the server until then, with its threads: a busy machine lengthens only the former. */
  processor: number;
  files: number;
}

async function opened(folder: string, cache: string): Promise<Opened> {
  const started = performance.now();
  const client = new Client({ name: 'bench', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join('dist', 'cli.js'), 'mcp', '--workspace', folder],
    env: { ...(process.env as Record<string, string>), XDG_CACHE_HOME: cache },
  });
  await client.connect(transport);
  const result = await client.callTool({ name: 'search', arguments: { query: QUESTIONS[0] ?? '' } });
  const { coverage } = result.structuredContent as { coverage: { filesIndexed: number } };
  const first = performance.now() - started;
  return { client, first, processor: processorTime(transport.pid), files: coverage.filesIndexed };
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

async function searches(client: Client): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SEARCHES; i++) {
    const started = performance.now();
    await client.callTool({ name: 'search', arguments: { query: QUESTIONS[i % QUESTIONS.length] ?? '' } });
    times.push(performance.now() - started);
  }
  return times;
}

function middle(times: readonly number[]): string {
  return ([...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(0);
}
