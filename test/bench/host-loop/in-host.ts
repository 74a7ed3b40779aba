/** Runs inside the extension host. Measures how long its event loop is blocked, while idle and while indexing. */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as vscode from 'vscode';

/** Figures of one arm. Times are in milliseconds. */
export interface Arm {
  seconds: number;
  max: number;
  p99: number;
  /** Number of timers that fired more than 50 ms late, for any reason, including load of other processes. */
  late: number;
  /** Number of these during which the host's thread itself computed for more than 50 ms. Only these block the loop. */
  held: number;
  /** The longest such computation. */
  longest: number;
  /** Processor time of the extension host's process in this arm, per second. */
  cpu: number;
}

const IDLE_SECONDS = 20;

export async function run(): Promise<void> {
  // The editor's own work at the start does not count.
  await sleep(10_000);
  const idle = await measure(() => sleep(IDLE_SECONDS * 1_000));
  let answered = '';
  const indexing = await measure(async () => {
    do {
      answered = await search('where is an error handled');
    } while (answered.startsWith('Indexing is still running'));
  });
  writeFileSync(
    process.env['ANCHORAGE_TEST_REPORT'] ?? '',
    JSON.stringify({ idle, indexing, found: answered.slice(0, 80) }),
  );
}

async function measure(work: () => Promise<unknown>): Promise<Arm> {
  const histogram = monitorEventLoopDelay({ resolution: 2 });
  let [late, held, longest] = [0, 0, 0];
  let last = performance.now();
  let lastCpu = threadCpu();
  const sampler = setInterval(() => {
    const now = performance.now();
    const cpu = threadCpu();
    if (now - last - 10 > 50) late++;
    if (cpu - lastCpu > 50) held++;
    longest = Math.max(longest, cpu - lastCpu);
    last = now;
    lastCpu = cpu;
  }, 10);
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  histogram.enable();
  await work();
  histogram.disable();
  clearInterval(sampler);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    seconds,
    max: histogram.max / 1e6,
    p99: histogram.percentile(99) / 1e6,
    late,
    held,
    longest,
    cpu: (user + system) / 1e3 / seconds,
  };
}

async function search(query: string): Promise<string> {
  const result = await vscode.lm.invokeTool('anchorage_search_workspace', {
    input: { query },
    toolInvocationToken: undefined,
  });
  return result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
}

/**
 * Processor time of this thread in milliseconds. The editor's Node has the function, but its type declarations do not.
 */
function threadCpu(): number {
  const { user, system } = (process as unknown as { threadCpuUsage: () => NodeJS.CpuUsage }).threadCpuUsage();
  return (user + system) / 1e3;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
