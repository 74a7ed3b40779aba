import { fork, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { inspectorFlags } from './inspector';
import { ipcConnection } from './ipc-connection';
import { onPulse, PULSE_DESCRIPTOR, PULSE_ENVIRONMENT } from './pulse';

/** Milliseconds, except `mostEnds`. */
export interface SupervisorTiming {
  /** Delay of the first restart; it doubles with each further crash in a row. */
  firstDelay: number;
  longestDelay: number;
  /** After this run time the crash counter starts again. */
  healthy: number;
  /** Crashes in a row after which the process is not restarted. */
  mostEnds: number;
  /** Interval of the checks for silence and idleness. */
  tick: number;
  /** Longest time between two signs of life; 0 where the process sends none. */
  silence: number;
  /** Most processor time between two turns of the event loop, in a process that sends a pulse; 0 for no limit. */
  busy: number;
  /** Time that a process has to end by itself after its channel is closed. */
  farewell: number;
}

export const TIMING: SupervisorTiming = {
  firstDelay: 500,
  longestDelay: 30_000,
  healthy: 60_000,
  mostEnds: 5,
  tick: 1_000,
  silence: 0,
  busy: 0,
  farewell: 2_500,
};

/** A forked process and the connection to it. */
export interface Supervised {
  readonly child: ChildProcess;
  readonly connection: MessageConnection;
  readonly pid: number;
  readonly startedAt: number;
  /** Resolves with the reason once the process has ended: "stopped (SIGKILL)". */
  readonly ended: Promise<string>;
  /** Time of the last sign of life; the owner sets it. */
  lastHeard: number;
  /** Processor time that the process has used since its event loop last turned, by its pulse. */
  busyMs: number;
  /** Set by the owner once the process is ready: silence and idleness count from then on. */
  watched: boolean;
  /** True once the owner has asked it to end. */
  closing: boolean;
  /** Told the reason when the process ends (`whileAlive`). */
  readonly waiting: Set<(reason: string) => void>;
}

/** The consequence of a crash: a restart after `delay`, or none after too many crashes in a row. */
export type Verdict = { restart: true; delay: number } | { restart: false; ends: number };

export interface SupervisorOptions {
  /** Absolute path of the bundle to run. */
  file: string;
  /** Name of the process in the log: "worker". */
  name: string;
  inspect: Parameters<typeof inspectorFlags>[0];
  timing: SupervisorTiming;
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** Registers what the owner listens to, before the connection opens. */
  connect: (connection: MessageConnection, supervised: Supervised) => void;
  /** A process has ended that nobody asked to. */
  ended: (supervised: Supervised, reason: string, verdict: Verdict) => void;
  /** The delay after an end has passed: start again. */
  restart: () => void;
  /** Milliseconds without use after which `idle` is called; 0 for never. Read at each check. */
  idleAfter: () => number;
  idle: () => void;
}

/**
 * Owns one child process that talks JSON-RPC over IPC: forks it, restarts it with growing delays, stops restarting it
 * after several crashes in a row, kills it when it is silent, and tells when it has been idle. The owner decides what
 * starting, readiness and idleness mean.
 */
export class Supervisor {
  /** The process in use; undefined from its end, or from `stop`, to the next `launch`. */
  current: Supervised | undefined;
  private endsInARow = 0;
  private restartTimer: NodeJS.Timeout | undefined;
  private readonly ticker: NodeJS.Timeout;
  private lastTick = Date.now();
  private lastUse = Date.now();
  private uses = 0;
  private disposed = false;

  constructor(private readonly options: SupervisorOptions) {
    this.ticker = setInterval(() => this.check(), options.timing.tick);
    this.ticker.unref();
  }

  /** Forks the process and opens the connection. */
  launch(): Supervised {
    clearTimeout(this.restartTimer);
    const { file, name, inspect, log, connect } = this.options;
    const child = fork(file, [], {
      serialization: 'advanced',
      // The parent's own flags (inspector, snapshots) are not the child's.
      execArgv: inspectorFlags(inspect),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      env: { ...process.env, ...PULSE_ENVIRONMENT, ORT_DISABLE_TELEMETRY: '1' },
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => log('debug', `${name}: ${text.trimEnd()}`));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => log('warn', `${name}: ${text.trimEnd()}`));
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`stopped (${signal ?? `exit code ${code}`})`));
    });
    const connection = ipcConnection(child);
    const now = Date.now();
    const supervised: Supervised = {
      child,
      connection,
      pid: child.pid ?? 0,
      startedAt: now,
      ended,
      lastHeard: now,
      busyMs: 0,
      watched: false,
      closing: false,
      waiting: new Set(),
    };
    this.current = supervised;
    onPulse(child.stdio[PULSE_DESCRIPTOR] as Readable, ({ busyMs }) => {
      supervised.lastHeard = Date.now();
      supervised.busyMs = busyMs;
    });
    connect(connection, supervised);
    connection.onError(([error]) => log('warn', `Connection to the ${name}: ${error.message}`));
    connection.listen();
    void ended.then((reason) => this.onEnded(supervised, reason));
    return supervised;
  }

  /** Counts work in progress: a process is idle only while there is none. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.uses += 1;
    this.touch();
    try {
      return await work();
    } finally {
      this.uses -= 1;
      this.touch();
    }
  }

  /** Restarts the idle time. */
  touch(): void {
    this.lastUse = Date.now();
  }

  /** Forgets earlier ends: the next start is of something else, or the user's wish. */
  forgive(): void {
    this.endsInARow = 0;
    this.cancelRestart();
  }

  cancelRestart(): void {
    clearTimeout(this.restartTimer);
  }

  /**
   * Ends the process in use. Its channel is closed once `farewell` has settled; a process that does not end by itself
   * soon after is killed. Resolves when it has ended or was killed.
   */
  async stop(farewell?: (supervised: Supervised) => Promise<unknown>): Promise<void> {
    clearTimeout(this.restartTimer);
    const { current } = this;
    this.current = undefined;
    if (!current) return;
    current.closing = true;
    await farewell?.(current).catch(() => undefined);
    if (current.child.connected) current.child.disconnect();
    const patience = delay(this.options.timing.farewell);
    const reason = await Promise.race([current.ended, patience.passed]).finally(patience.cancel);
    if (reason === undefined) current.child.kill('SIGKILL');
    current.connection.dispose();
  }

  /** Kills a process that hangs; it is restarted like one that ended by itself. */
  kill({ child }: Supervised, why: string): void {
    this.options.log('error', `The ${this.options.name} ${why}; ending it.`);
    child.kill('SIGKILL');
  }

  dispose(): void {
    this.disposed = true;
    clearInterval(this.ticker);
    clearTimeout(this.restartTimer);
  }

  private onEnded(supervised: Supervised, reason: string): void {
    // Requests in progress fail first.
    for (const tell of supervised.waiting) tell(reason);
    setImmediate(() => supervised.connection.dispose());
    if (this.current === supervised) this.current = undefined;
    if (supervised.closing || this.disposed) return;
    const { timing, ended, restart } = this.options;
    this.endsInARow = Date.now() - supervised.startedAt > timing.healthy ? 1 : this.endsInARow + 1;
    if (this.endsInARow >= timing.mostEnds) {
      ended(supervised, reason, { restart: false, ends: this.endsInARow });
      return;
    }
    const wait = Math.min(timing.longestDelay, timing.firstDelay * 2 ** (this.endsInARow - 1));
    ended(supervised, reason, { restart: true, delay: wait });
    this.restartTimer = setTimeout(restart, wait);
    this.restartTimer.unref();
  }

  private check(): void {
    const { timing, idleAfter, idle } = this.options;
    const now = Date.now();
    // After a suspended machine or a blocked loop the silence is this process's own.
    const wasAway = now - this.lastTick > 3 * timing.tick;
    this.lastTick = now;
    const { current } = this;
    if (!current?.watched || current.closing) return;
    // A process that waits at a breakpoint is silent too.
    if (wasAway || inspectorFlags(this.options.inspect).length > 0) current.lastHeard = now;
    if (wasAway) return;
    if (timing.silence > 0 && now - current.lastHeard > timing.silence) {
      this.kill(current, `has been silent for ${Math.round((now - current.lastHeard) / 1000)} s`);
      return;
    }
    if (timing.busy > 0 && current.busyMs > timing.busy) {
      this.kill(current, `has not answered for ${Math.round(current.busyMs / 1000)} s of processor time`);
      return;
    }
    const after = idleAfter();
    if (after > 0 && this.uses === 0 && now - this.lastUse > after) idle();
  }
}

/** Settles as `work` does; rejects with what `lost` makes of the reason when the process ends first. */
export function whileAlive<T>(
  { waiting, child }: Supervised,
  work: () => Promise<T>,
  lost: (reason: string) => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const { exitCode, signalCode } = child;
    if (exitCode !== null || signalCode !== null) return reject(lost('has ended'));
    const end = (reason: string): void => reject(lost(reason));
    waiting.add(end);
    // A connection that is closed throws at once instead of rejecting.
    void (async () => work())()
      .then(resolve, reject)
      .finally(() => waiting.delete(end));
  });
}

/** A time limit that can be cancelled. */
export function delay(milliseconds: number): { passed: Promise<undefined>; cancel: () => void } {
  let handle: NodeJS.Timeout;
  const passed = new Promise<undefined>((resolve) => {
    handle = setTimeout(() => resolve(undefined), milliseconds);
  });
  return { passed, cancel: () => clearTimeout(handle) };
}
