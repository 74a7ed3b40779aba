/**
 * Commands that are killed at random moments. The next run finishes their work; what was stored stays, no process is
 * left, and no download has to begin again with a broken file.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { downloadModel } from '../../src/hub';
import { checkMemories, MemoryStore } from '../../src/memory';
import { memoryFolders } from '../../src/memory/store/folders';
import { Workspace } from '../../src/workspace';
import { Terminal } from '../faults/terminal';
import { TestHub } from '../hub/server';
import { searchOver } from '../workspace/search-over';
import { SETTINGS } from '../workspace/files';
import { type Attacked, type Random } from './drive';

const FILES = 40;
/** Longest time (ms) that the processes of a killed command need to notice it. */
const FAREWELL = 10_000;
const text = (i: number, round: number): string =>
  `class Module${i}:\n    """Keeps zzpart${i}x of round ${round}."""\n\n    def run(self):\n        return ${round}\n`;

class Killed {
  readonly terminal = new Terminal({ model: true });
  private readonly hub = new TestHub();
  private stored = new Set<string>();
  /** Typical time (ms) of each command. */
  private readonly durations = new Map<string, number>();

  async prepare(): Promise<void> {
    await this.hub.start();
    for (const [name, bytes] of this.terminal.modelFiles()) this.hub.files.set(name, bytes);
    // In pieces, so that a kill falls between them.
    this.hub.misbehave = (request, response, bytes) => {
      if (request.headers.range !== undefined || bytes.length < 100_000) return false;
      response.writeHead(200, { 'content-length': bytes.length });
      let at = 0;
      const next = (): void => {
        if (response.destroyed) return;
        const piece = bytes.subarray(at, (at += 64 << 10));
        if (piece.length === 0) response.end();
        else response.write(piece, () => setTimeout(next, 5));
      };
      next();
      return true;
    };
    this.write(0);
  }

  private write(round: number): void {
    this.terminal.writeFiles(
      Object.fromEntries(
        Array.from({ length: FILES }, (_, i) => [`src/module${i}.py`, text(i, i % 7 === round % 7 ? round : 0)]),
      ),
    );
  }

  /** Runs the command of a seed and kills it; checks what it leaves. */
  async round(seed: number, random: Random): Promise<void> {
    const phase = PHASES[seed % PHASES.length] as Phase;
    this.write(seed);
    if (phase.fresh && random() < 0.3) rmSync(this.terminal.storage, { recursive: true, force: true });
    if (!existsSync(this.terminal.storage)) this.stored.clear();
    const argv = phase.argv(this.hub.endpoint);
    if (phase.name === 'download') rmSync(join(this.modelsDirectory, 'own--tiny'), { recursive: true, force: true });
    const from = Date.now();
    const command = this.terminal.start(argv);
    const late = setTimeout(() => command.kill(), 50 + random() * (this.durations.get(phase.name) ?? 1_500));
    const { status } = await command.ended;
    clearTimeout(late);
    if (status !== null) this.durations.set(phase.name, Date.now() - from);
    await this.expectNobodyLeft();
    if (phase.name === 'download') await this.expectDownloadable();
    else await this.expectWhole();
  }

  private get modelsDirectory(): string {
    return join(this.terminal.cache, 'anchorage', 'models');
  }

  /** The command's own processes end with it. */
  private async expectNobodyLeft(): Promise<void> {
    for (const until = Date.now() + FAREWELL; ; await sleep(20)) {
      const left = readdirSync('/proc').filter(
        (pid) => /^\d+$/.test(pid) && commandLine(pid).includes(this.terminal.bundle),
      );
      if (left.length === 0) return;
      if (Date.now() > until) throw new Error(`left running: ${left.map(commandLine).join('; ')}`);
    }
  }

  /** Every file is found, and every record of before is still there. */
  private async expectWhole(): Promise<void> {
    const { storage, work } = this.terminal;
    const workspace = await Workspace.open({
      folders: [{ name: 'work', directory: work }],
      storageDirectory: storage,
      settings: SETTINGS,
      threads: 0,
    });
    try {
      await workspace.start();
      if (workspace.trouble() !== undefined) throw new Error(workspace.trouble());
      for (let i = 0; i < FILES; i += 5) {
        const { spans } = await searchOver(workspace).search(`zzpart${i}x`, { scope: { kind: 'workspace' }, limit: 2 });
        if (spans[0]?.path !== `src/module${i}.py`) throw new Error(`zzpart${i}x is not found`);
      }
    } finally {
      await workspace.close();
    }
    for (const directory of await memoryFolders(storage)) {
      const version = existsSync(join(directory, 'version')) ? readFileSync(join(directory, 'version'), 'utf8') : '';
      if (version === '') continue;
      const store = await MemoryStore.open({ directory, budgetBytes: 2e9, version });
      const keys = new Set(store.keys());
      await store.close();
      for (const key of this.stored) if (!keys.has(key)) throw new Error(`the memories of ${key} are lost`);
      this.stored = keys;
    }
    const { damaged } = await checkMemories(storage);
    if (damaged.length > 0) throw new Error(`damaged: ${JSON.stringify(damaged)}`);
  }

  /** Another download goes on from there, and gives the published files. */
  private async expectDownloadable(): Promise<void> {
    const directory = join(this.modelsDirectory, 'own--tiny');
    if (!existsSync(directory))
      await downloadModel(this.modelsDirectory, 'own/tiny', { fetch, endpoint: this.hub.endpoint });
    for (const name of readdirSync(directory)) {
      const bytes = this.hub.files.get(name);
      if (bytes && !readFileSync(join(directory, name)).equals(Buffer.from(bytes)))
        throw new Error(`${name} is not what was published`);
    }
    if (!existsSync(join(directory, 'model.safetensors'))) throw new Error('the download has no weights');
  }

  async dispose(): Promise<void> {
    await this.hub.stop();
    this.terminal.dispose();
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

interface Phase {
  name: string;
  argv: (endpoint: string) => string[];
  /** Sometimes begins without anything stored. */
  fresh?: boolean;
}

const PHASES: readonly Phase[] = [
  { name: 'index', argv: () => ['index'], fresh: true },
  { name: 'memories', argv: () => ['index', '--memories'] },
  { name: 'ask', argv: () => ['ask', 'What keeps zzpart3x?'] },
  { name: 'summarize', argv: () => ['summarize', 'src/module3.py'] },
  { name: 'download', argv: (endpoint) => ['model', 'add', 'own/tiny', '--endpoint', endpoint] },
];

export const kills: Attacked = {
  name: 'commands killed',
  isRefusal: () => false,
  async open() {
    const killed = new Killed();
    await killed.prepare();
    return {
      read: (random, seed) => killed.round(seed, random),
      close: () => killed.dispose(),
    };
  },
};
