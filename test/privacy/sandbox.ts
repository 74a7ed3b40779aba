import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RECORD = fileURLToPath(new URL('record.sh', import.meta.url));

/** The reason why packets cannot be recorded here; undefined where they can. */
export function namespacesRefused(): string | undefined {
  if (process.platform !== 'linux') return `no network namespaces on ${process.platform}`;
  const { status, stderr, error } = spawnSync('unshare', ['-rn', RECORD, 'true'], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

export interface Recorded {
  status: number | null;
  output: string;
  /** Packets that left a socket, whatever their address. */
  packets: number;
  /** Files below the home, cache, configuration and temporary folders of the command. */
  files: string[];
}

/** Runs Node programs in a fresh home, with a network that leads nowhere and counts. */
export class Sandbox {
  readonly directory = mkdtempSync(join(tmpdir(), 'anchorage-privacy-'));
  private readonly home = join(this.directory, 'home');

  constructor() {
    for (const name of ['cache', 'config', 'tmp']) mkdirSync(join(this.home, name), { recursive: true });
  }

  run(program: string, argv: readonly string[]): Recorded {
    const env: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: this.home,
      XDG_CACHE_HOME: join(this.home, 'cache'),
      XDG_CONFIG_HOME: join(this.home, 'config'),
      XDG_DATA_HOME: join(this.home, 'data'),
      XDG_STATE_HOME: join(this.home, 'state'),
      TMPDIR: join(this.home, 'tmp'),
    };
    const done = spawnSync('unshare', ['-rn', RECORD, process.execPath, program, ...argv], {
      env,
      encoding: 'utf8',
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    return {
      status: done.status,
      output: `${done.stdout}${done.stderr}`,
      packets: Number(done.output[3] || NaN),
      files: filesBelow(this.home),
    };
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Paths of everything below a folder that is no folder, relative to it. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => !lstatSync(join(directory, name)).isDirectory())
    .sort();
}
