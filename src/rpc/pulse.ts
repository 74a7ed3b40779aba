/**
 * Signs of life that a busy event loop cannot starve. A thread of the child process writes them to a pipe of its own,
 * with the processor time that the process has used since its event loop last turned. The parent can so tell a long
 * task on a busy machine from a process that hangs.
 */
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

/** Descriptor of the pipe in the child: the one after the channel. */
export const PULSE_DESCRIPTOR = 4;
const ENVIRONMENT = 'ANCHORAGE_PULSE';
/** Environment of a child that has the pipe. */
export const PULSE_ENVIRONMENT = { [ENVIRONMENT]: String(PULSE_DESCRIPTOR) };

const BEAT_MS = 1_000;
/** How often the event loop reports that it turns. */
const TURN_MS = 250;

/** One sign of life: milliseconds of processor time since the last turn of the event loop. */
export interface Pulse {
  busyMs: number;
}

/** The thread, as text: it needs no bundle of its own. */
const THREAD = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const turns = new Int32Array(workerData.turns);
let seen = -1;
let since = process.cpuUsage();
setInterval(() => {
  const now = Atomics.load(turns, 0);
  if (now !== seen) since = process.cpuUsage();
  seen = now;
  const { user, system } = process.cpuUsage(since);
  try {
    writeSync(workerData.descriptor, Math.round((user + system) / 1000) + '\\n');
  } catch (error) {
    if (error.code !== 'EAGAIN') process.exit(0);
  }
}, workerData.every);
`;

/** Starts the signs of life of this process, if its parent listens. They end with the process. */
export function startPulse(environment: NodeJS.ProcessEnv = process.env, every = BEAT_MS): void {
  const descriptor = Number(environment[ENVIRONMENT]);
  if (!Number.isInteger(descriptor) || descriptor <= 0) return;
  const turns = new SharedArrayBuffer(4);
  const counter = new Int32Array(turns);
  setInterval(() => Atomics.add(counter, 0, 1), Math.min(every, TURN_MS)).unref();
  const thread = new Worker(THREAD, { eval: true, workerData: { turns, descriptor, every } });
  // Without the thread the heartbeat over the channel remains.
  thread.on('error', () => undefined);
  thread.unref();
}

/** Calls `beat` for each sign of life that comes through the pipe of a child. */
export function onPulse(pipe: Readable, beat: (pulse: Pulse) => void): void {
  let rest = '';
  pipe.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    const last = lines[lines.length - 1];
    if (last !== undefined && /^\d+$/.test(last)) beat({ busyMs: Number(last) });
  });
  pipe.on('error', () => undefined);
}
