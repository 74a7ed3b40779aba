/**
 * Loaded into the worker and the process of the model: writes memory, descriptors and the longest time that one turn of
 * the event loop took, as JSON lines to SOAK_FILE with the script's name. Processor time of the main thread is counted,
 * because a busy machine makes every turn long.
 */
import { appendFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

export interface Sample {
  /** Seconds since the start of the process. */
  at: number;
  rss: number;
  /** Live bytes after a collection. */
  heap: number;
  external: number;
  descriptors: number;
  /** Number of open descriptors by target; files by name. */
  kinds: Record<string, number>;
  /** Threads of the process, those of the runtime included. */
  threads: number;
  /** Longest turn of the event loop since the sample before, in ms of processor time. */
  held: number;
}

const TICK_MS = 20;
const SAMPLE_MS = Number(process.env['SOAK_SAMPLE_MS'] ?? 10_000);
const file = process.env['SOAK_FILE'];
/** Lists what is open. Sockets and pipes have numbers of their own. */
function openKinds(): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const name of readdirSync('/proc/self/fd')) {
    let target = 'closed';
    try {
      target = readlinkSync(`/proc/self/fd/${name}`).replace(/:\[\d+\]$/, '');
    } catch {
      // The descriptor of the listing itself.
    }
    kinds[target] = (kinds[target] ?? 0) + 1;
  }
  return kinds;
}
const script = basename(process.argv[1] ?? '');

/** Processor time of the main thread in ms. */
const mainThread = (): number =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

if (file && isMainThread && /^(?:worker|inference)\.js$/.test(script)) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let held = 0;
  // Loading the program comes before the loop's first turn.
  let before = Infinity;
  setInterval(() => {
    const now = mainThread();
    held = Math.max(held, now - before);
    before = now;
  }, TICK_MS).unref();
  setInterval(() => {
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const sample: Sample = {
      at: process.uptime(),
      rss,
      heap: heapUsed,
      external,
      descriptors: readdirSync('/proc/self/fd').length,
      kinds: openKinds(),
      threads: readdirSync('/proc/self/task').length,
      held,
    };
    appendFileSync(`${file}.${script}`, `${JSON.stringify(sample)}\n`);
    held = 0;
    before = mainThread();
  }, SAMPLE_MS).unref();
}
