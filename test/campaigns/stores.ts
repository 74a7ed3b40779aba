/**
 * Faults of the disk under index and memories: calls that fail, and files that are damaged, cut off, deleted or
 * foreign. After each one every file is found by its own word, every stored row is what was encoded, and nothing is
 * lost.
 */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryEncoding, MemoryStore } from '../../src/memory';
import { Workspace } from '../../src/workspace';
import { FaultyFiles } from '../faults/faulty-files';
import { ByteCoder, memoryOf } from '../memory/byte-coder';
import { searchOver } from '../workspace/search-over';
import { SETTINGS, TestWorkspace, word } from '../workspace/files';
import { type Attacked, pick, type Random } from './drive';

const FILES = 9;
const CODES = ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'EDQUOT', 'EROFS'];
/** Errors of the language are never words for a user. */
const DEFECT = /^(?:Type|Range|Reference|Syntax)Error$/;

/** An index and memories on a disk that fails. */
class Stores {
  readonly disk = new TestWorkspace();
  readonly faults = new FaultyFiles(this.disk.storage).install();
  private readonly intact = join(this.disk.scratch, 'intact');
  /** Text of each key that the intact store has. */
  readonly texts = new Map<string, string>();
  /** Calls that a run of the whole makes. */
  calls = 0;

  async prepare(): Promise<void> {
    this.disk.fill(FILES);
    await this.run(async (_, encoding) => {
      for (const { path, units } of encoding.documents()) {
        const { text } = (await this.workspace?.indexed(path))?.document ?? { text: '' };
        for (const { key, start, end } of units) this.texts.set(key, text.slice(start, end));
      }
    });
    cpSync(this.disk.storage, this.intact, { recursive: true });
    this.change(1);
    this.faults.arm({ at: 0, code: '' });
    await this.run();
    this.calls = this.faults.calls;
  }

  restore(): void {
    rmSync(this.disk.storage, { recursive: true, force: true });
    cpSync(this.intact, this.disk.storage, { recursive: true });
  }

  /** Another text in one file, so that every run has something to store. */
  change(round: number): void {
    this.disk.put('src/changing.py', `def changing():\n    """Round ${round} of zzchanging."""\n    return ${round}\n`);
  }

  workspace: Workspace | undefined;

  open(): Promise<Workspace> {
    return Workspace.open({
      folders: this.disk.folders,
      storageDirectory: this.disk.storage,
      settings: SETTINGS,
      threads: 0,
    });
  }

  /** Indexes and encodes everything, then closes. `use` gets both in between. */
  async run(use?: (store: MemoryStore, encoding: MemoryEncoding) => Promise<void>): Promise<void> {
    const workspace = await this.open();
    this.workspace = workspace;
    try {
      await workspace.start();
      await this.expectFound(workspace);
      const coder = new ByteCoder();
      const directory = join(this.disk.storage, 'memories');
      const store = await MemoryStore.open({ directory, budgetBytes: 1e9, version: coder.version });
      const encoding = new MemoryEncoding({ workspace, store, coder, retryMs: 1e6 });
      try {
        await encoding.run();
        await use?.(store, encoding);
      } finally {
        await encoding.close();
        await store.close();
      }
    } finally {
      await workspace.close();
    }
  }

  /** Every file is found by its own word, with its own text. */
  async expectFound(workspace: Workspace): Promise<void> {
    for (let i = 0; i < FILES; i++) {
      const { spans } = await searchOver(workspace).search(word(i), { scope: { kind: 'workspace' }, limit: 3 });
      if (!spans[0]?.text.includes(word(i)) || !spans[0].path.includes(`module${i}.`))
        throw new Error(`${word(i)} is not found: ${JSON.stringify(spans.slice(0, 2))}`);
    }
  }

  /** Checks that the stores are whole once the disk works again. */
  async expectWhole(mayLose: boolean): Promise<void> {
    if (!mayLose) await this.expectStored();
    await this.run(async (store, encoding) => {
      // A damaged record is found by its first reader, and then made anew.
      if (mayLose) await this.expectRows(store, false);
      await encoding.run();
      const { encoded, segments } = encoding.status();
      if (encoded !== segments) throw new Error(`${encoded} of ${segments} segments are encoded`);
      await this.expectRows(store, true);
    });
    const { failure } = await this.status();
    if (failure !== undefined) throw new Error(`the index is not stored: ${failure}`);
  }

  private async status(): Promise<{ failure: string | undefined }> {
    const workspace = await this.open();
    const { filesIndexed } = workspace.coverage();
    const failure = filesIndexed === FILES + 1 ? workspace.trouble() : `${filesIndexed} files are stored`;
    await workspace.close();
    return { failure };
  }

  /** The memories of before are there without encoding anything. */
  private async expectStored(): Promise<void> {
    const directory = join(this.disk.storage, 'memories');
    const store = await MemoryStore.open({ directory, budgetBytes: 1e9, version: new ByteCoder().version });
    try {
      await this.expectRows(store, true);
    } finally {
      await store.close();
    }
  }

  /** Rows are those of the text, or absent. */
  async expectRows(store: MemoryStore, all: boolean): Promise<void> {
    for (const [key, text] of this.texts) {
      const expected = memoryOf(text);
      for (const part of ['ids', 'coarse', 'rest'] as const) {
        const bytes = await store[part](key);
        if (bytes === undefined && all) throw new Error(`the ${part} of ${key} is lost`);
        if (bytes && !Buffer.from(bytes).equals(Buffer.from(expected[part])))
          throw new Error(`the ${part} of ${key} is wrong`);
      }
    }
  }

  files(): string[] {
    return readdirSync(this.disk.storage, { recursive: true, withFileTypes: true })
      .flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
      .sort();
  }

  dispose(): void {
    this.faults.uninstall();
    this.disk.dispose();
  }
}

/** Passes errors in words; a defect of the program is thrown on. */
async function inWords(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error) || DEFECT.test(error.name) || error.message.trim() === '') throw error;
    // A wrong or missing answer of the failing run itself: it may not happen either.
    if (/is not found|is wrong/.test(error.message)) throw error;
  }
}

async function withStores(round: (stores: Stores, random: Random) => Promise<void>) {
  const stores = new Stores();
  await stores.prepare();
  let count = 0;
  return {
    read: async (random: Random) => {
      stores.restore();
      stores.change(++count);
      await round(stores, random);
    },
    close: () => {
      stores.dispose();
      return Promise.resolve();
    },
  };
}

/** One call of the file system fails while index and memories are brought up to date. */
export const failingCalls: Attacked = {
  name: 'failing calls under index and memories',
  isRefusal: () => false,
  open: () =>
    withStores(async (stores, random) => {
      const code = pick(random, CODES);
      const at = 1 + Math.floor(random() * stores.calls);
      stores.faults.arm({ at, code, sticky: /^E(?:NOSPC|DQUOT|ROFS)$/.test(code) });
      try {
        await inWords(stores.run());
      } finally {
        stores.faults.disarm();
      }
      await stores.expectWhole(false);
    }),
};

/** Harms one file in one of several ways. */
function harm(file: string, random: Random): void {
  const { size } = statSync(file);
  const kind = random();
  if (kind < 0.5 && size > 0) {
    const bytes = readFileSync(file);
    for (let n = 1 + Math.floor(random() * 24); n > 0; n--) {
      const bit = Math.floor(random() * size * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    }
    writeFileSync(file, bytes, { flag: 'r+' });
  } else if (kind < 0.75) truncateSync(file, Math.floor(random() * size));
  else if (kind < 0.85) rmSync(file, { force: true });
  else if (kind < 0.95) writeFileSync(file, Buffer.from(Array.from({ length: 200 }, () => random() * 256)));
  else writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(Math.floor(random() * 500))]));
}

/** A file of the store is harmed, between two runs or under an open index. */
export const damagedFiles: Attacked = {
  name: 'damaged files of index and memories',
  isRefusal: () => false,
  open: () =>
    withStores(async (stores, random) => {
      const workspace = random() < 0.4 ? await stores.open() : undefined;
      if (workspace) await workspace.start();
      const files = stores.files().filter((name) => !name.endsWith('lock'));
      harm(pick(random, files), random);
      if (workspace) {
        await stores.expectFound(workspace);
        await workspace.close();
      }
      await stores.expectWhole(true);
    }),
};
