/** Reads thousands of damaged or hostile inputs, each made from its own seed, and counts what came of them. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { generator } from '../../src/engine/generate/sampling';

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;
export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** A reader of untrusted input. */
export interface Attacked {
  name: string;
  /** Whether an error is a refusal in words, as against a defect. */
  isRefusal(error: Error): boolean;
  /** A library leaves rejections that the product handles for the whole thread; they are counted, and no failures. */
  leavesRejections?: boolean;
  /** Prepares what the inputs share. `read` makes the input of a seed from the numbers and reads it. */
  open(): Promise<{ read: (random: Random, seed: number) => unknown; close?: () => Promise<void> }>;
}

export interface DriveReport {
  name: string;
  /** Seed of the first input; the others count up from it. */
  seed: number;
  inputs: number;
  accepted: number;
  /** Number of refusals by error code. */
  refused: Record<string, number>;
  /** Outcomes that are neither a result nor a refusal, with their seeds. Each is a defect. */
  failures: string[];
  /** Rejections that a library left to nobody. */
  leftRejections: number;
  /** Processor time of the slowest input in ms: a busy machine makes every input long. */
  slowestMs: number;
  heapGrowthBytes: number;
  seconds: number;
}

/** Limit of one input in milliseconds of processor time. It allows for the readers' own limits. */
export const BOUND_MS = 15_000;
/** An input that holds the process for so long never ends: the watch kills the process and names the seed. */
const HANGS_MS = 4 * BOUND_MS * Number(process.env['ANCHORAGE_PATIENCE'] ?? 1);
const REPORT_EVERY = 20_000;
const MAX_FAILURES = 20;

/** Collects garbage, so that growth is what stays. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Reads inputs of the seeds from `seed` on. */
export async function drive(attacked: Attacked, inputs: number, seed: number): Promise<DriveReport> {
  const { name } = attacked;
  const report: DriveReport = {
    name,
    seed,
    inputs: 0,
    accepted: 0,
    refused: {},
    failures: [],
    leftRejections: 0,
    slowestMs: 0,
    heapGrowthBytes: 0,
    seconds: 0,
  };
  let at = seed;
  const fail = (error: unknown): void =>
    void report.failures.push(
      `${name}, seed ${at}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  const { read, close } = await attacked.open();
  const watch = new Watch(name);
  const left = catchRejections((error) => {
    if (attacked.leavesRejections) report.leftRejections++;
    else fail(error);
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  const started = performance.now();
  try {
    for (; at < seed + inputs && report.failures.length < MAX_FAILURES; at++) {
      watch.begin(at);
      const from = process.cpuUsage();
      try {
        await read(generator(at), at);
        report.accepted++;
      } catch (error) {
        if (error instanceof Error && attacked.isRefusal(error)) {
          const code = 'code' in error ? String(error.code) : error.name;
          report.refused[code] = (report.refused[code] ?? 0) + 1;
        } else fail(error);
      }
      report.inputs++;
      const { user, system } = process.cpuUsage(from);
      report.slowestMs = Math.max(report.slowestMs, (user + system) / 1_000);
      if (report.inputs % REPORT_EVERY === 0) console.log(`${name}: ${report.inputs} of ${inputs}, at seed ${at}`);
    }
  } finally {
    report.seconds = (performance.now() - started) / 1_000;
    collect();
    report.heapGrowthBytes = process.memoryUsage().heapUsed - before;
    // Rejections are reported a turn after they were left.
    await new Promise((resolve) => setImmediate(resolve));
    left.restore();
    await watch.end();
    await close?.();
  }
  return report;
}

/** Takes all unhandled rejections until `restore`, which gives them back to the listeners of the test runner. */
function catchRejections(caught: (error: unknown) => void): { restore: () => void } {
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', caught);
  return {
    restore() {
      process.off('unhandledRejection', caught);
      for (const listener of others) process.on('unhandledRejection', listener);
    },
  };
}

/** A thread that notices when one input holds the process. */
class Watch {
  private readonly seen = new Int32Array(new SharedArrayBuffer(4));
  private readonly thread: Worker;

  constructor(name: string) {
    this.thread = new Worker(WATCH, {
      eval: true,
      workerData: { seen: this.seen, name, hangs: HANGS_MS },
    });
    this.thread.unref();
  }

  begin(seed: number): void {
    Atomics.store(this.seen, 0, seed);
  }

  async end(): Promise<void> {
    await this.thread.terminate();
  }
}

const WATCH = `
const { workerData: { seen, name, hangs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
let last = Atomics.load(seen, 0);
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(seen, 0);
  if (now !== last) { last = now; since = Date.now(); return; }
  if (Date.now() - since < hangs) return;
  writeSync(2, name + ': the input of seed ' + now + ' never ends\\n');
  process.kill(process.pid, 'SIGKILL');
}, 1000);
`;

/** A temporary folder, in memory where the system has one there. */
export async function scratchFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'anchorage-campaign-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
