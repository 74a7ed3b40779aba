/** The terminal program in a folder of its own, with a small model, where calls of the file system can fail. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMemoryCheckpoint, writeSums } from '../inference/memory-checkpoint';
import { writeFiles } from '../worker/harness';
import { bundle } from '../workspace/files';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** No command of these small workspaces takes so long (ms), even on a busy machine. */
const DEADLINE = 120_000;

export interface Ended {
  /** Null when the command did not end in time. */
  status: number | null;
  stdout: string;
  stderr: string;
  /** Calls of the file system below `under`. */
  calls: number;
}

/** The call that fails, and in which process. */
export interface CommandFault {
  at: number;
  code: string;
  sticky?: boolean;
}

export interface Place {
  /** The process: the command itself, or the one that runs the model. */
  script?: 'cli.js' | 'inference.js';
  /** The folder whose calls count and fail. Default: the storage. */
  under?: string;
}

export class Terminal {
  readonly directory = mkdtempSync(join(tmpdir(), 'anchorage-terminal-'));
  readonly work = join(this.directory, 'work');
  readonly storage = join(this.directory, 'store');
  readonly cache = join(this.directory, 'cache');
  private readonly bundles: string;
  /** The folder of the built bundles. */
  readonly bundle: string;
  readonly script: string;
  private readonly preload: string;

  private get model(): string {
    return join(this.bundles, 'models', 'anchorage-tiny');
  }

  /** @param model adds a small checkpoint with memory slots as the bundled model */
  constructor({ model = false } = {}) {
    // Inside the repository, so that packages are found.
    mkdirSync(join(root, '.cache'), { recursive: true });
    this.bundles = mkdtempSync(join(root, '.cache', 'test-terminal-'));
    const dist = join(this.bundles, 'dist');
    this.bundle = dist;
    spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--only=worker,cli', `--outdir=${dist}`]);
    this.script = join(dist, 'cli.js');
    this.preload = bundle('test/faults/preload.ts', join(dist, 'preload.cjs'));
    if (model) {
      writeMemoryCheckpoint(this.model);
      writeSums(this.model);
    }
  }

  writeFiles(files: Record<string, string>): void {
    writeFiles(this.work, files);
  }

  private environment(place: Place, fault?: CommandFault): NodeJS.ProcessEnv {
    const count = join(this.directory, 'calls');
    writeFileSync(count, '0');
    return {
      ...process.env,
      NODE_OPTIONS: `--require "${this.preload}"`,
      XDG_CACHE_HOME: this.cache,
      FAULT_UNDER: place.under ?? this.storage,
      FAULT_IN: place.script ?? 'cli.js',
      FAULT_COUNT: count,
      ...(fault
        ? { FAULT_AT: String(fault.at), FAULT_CODE: fault.code, FAULT_STICKY: fault.sticky === true ? '1' : '0' }
        : {}),
    };
  }

  /** Runs a command to its end. `place` and `fault` say which call fails, if any. */
  run(argv: readonly string[], place: Place = {}, fault?: CommandFault): Ended {
    const { status, stdout, stderr } = spawnSync(process.execPath, this.arguments(argv), {
      encoding: 'utf8',
      cwd: this.work,
      timeout: DEADLINE,
      killSignal: 'SIGKILL',
      env: this.environment(place, fault),
    });
    return { status, stdout, stderr, calls: this.counted() };
  }

  /** Runs a command like `run`, beside others. Nobody reads the streams in `close`. */
  start(
    argv: readonly string[],
    {
      place = {},
      fault,
      close = [],
    }: { place?: Place; fault?: CommandFault; close?: readonly ('stdout' | 'stderr')[] } = {},
  ): { pid: number; kill: () => void; ended: Promise<Ended> } {
    const child = spawn(process.execPath, this.arguments(argv), {
      cwd: this.work,
      env: this.environment(place, fault),
    });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      if (close.includes(name)) child[name].destroy();
      else child[name].setEncoding('utf8').on('data', (text: string) => (printed[name] += text));
    }
    const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE);
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (status) => {
        clearTimeout(late);
        resolve({ status, ...printed, calls: this.counted() });
      }),
    );
    return { pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL'), ended };
  }

  /** Runs a command through the shell, which redirects its output. */
  shell(command: string, redirection: string): Omit<Ended, 'calls'> {
    const line = `"${process.execPath}" "${this.script}" ${command} --storage "${this.storage}" ${redirection}`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
      encoding: 'utf8',
      cwd: this.work,
      env: this.environment({}),
    });
    return { status, stdout, stderr };
  }

  /** Files of the small checkpoint, as a hub publishes them. */
  modelFiles(): [name: string, bytes: Uint8Array][] {
    return readdirSync(this.model)
      .filter((name) => name !== 'SHA256SUMS')
      .map((name) => [name, readFileSync(join(this.model, name))]);
  }

  private counted(): number {
    return Number(readFileSync(join(this.directory, 'calls'), 'utf8'));
  }

  private arguments(argv: readonly string[]): string[] {
    return [this.script, ...argv, ...(argv[0] === 'model' ? [] : ['--storage', this.storage])];
  }

  /** Saves storage and cache as they are; `restore` brings them back. */
  save(name: string): void {
    rmSync(join(this.directory, name), { recursive: true, force: true });
    for (const part of [this.storage, this.cache])
      this.copy(part, join(this.directory, name, part === this.storage ? 's' : 'c'));
  }

  restore(name: string): void {
    for (const part of [this.storage, this.cache]) {
      rmSync(part, { recursive: true, force: true });
      this.copy(join(this.directory, name, part === this.storage ? 's' : 'c'), part);
    }
  }

  private copy(from: string, to: string): void {
    try {
      cpSync(from, to, { recursive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  dispose(): void {
    rmSync(this.bundles, { recursive: true, force: true });
    rmSync(this.directory, { recursive: true, force: true });
  }
}
