/**
 * Rows of texts that were read, by content and model. The next question about the same text need not read it again. The
 * latest stay in memory. All are written to disk with 8 bits per value, and the least recently used leave it first.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteCache } from '../base';
import type { KvRows, RowShape } from '../engine';
import { packRowBytes, unpackRowBytes } from './row-bytes';

const MEMORY_BYTES = 512e6;
const DISK_BYTES = 512e6;
const EXTENSION = '.rows';
const DIGEST_BYTES = 32;

export interface KeptRowsOptions {
  /** Identity of the model: rows of other weights are never found. */
  model: string;
  shape: RowShape;
  /** Absent: rows are kept in memory only. */
  directory?: string | undefined;
  diskBytes?: number;
}

export class KeptRows {
  readonly memory = new ByteCache<string, KvRows>(MEMORY_BYTES, ({ byteLength }) => byteLength);
  /** Size of each file, least recently used first. */
  private readonly files = new Map<string, number>();
  private readonly unsaved = new Map<string, KvRows>();

  private constructor(private readonly options: KeptRowsOptions) {}

  static async open(options: KeptRowsOptions): Promise<KeptRows> {
    const kept = new KeptRows(options);
    if (options.directory !== undefined) await kept.list(options.directory).catch(() => {});
    return kept;
  }

  /** @param parts what the rows depend on: the tokens before the text, and the text */
  key(parts: readonly string[]): string {
    return createHash('sha256')
      .update([this.options.model, ...parts].join('\0'))
      .digest('hex');
  }

  has(key: string): boolean {
    return this.memory.has(key) || this.files.has(key + EXTENSION);
  }

  async get(key: string): Promise<KvRows | undefined> {
    return this.memory.get(key) ?? (await this.read(key + EXTENSION, key));
  }

  set(key: string, rows: KvRows): KvRows {
    if (this.options.directory !== undefined) this.unsaved.set(key + EXTENSION, rows);
    return this.memory.set(key, rows);
  }

  /** Writes new rows to disk. A full or read-only disk loses only the head start of a later question. */
  async save(): Promise<void> {
    const unsaved = [...this.unsaved];
    this.unsaved.clear();
    for (const [name, rows] of unsaved) await this.write(name, rows).catch(() => {});
  }

  /** Forgets all rows, on disk too. */
  async clear(): Promise<void> {
    this.unsaved.clear();
    this.memory.clear();
    this.files.clear();
    if (this.options.directory !== undefined) await rm(this.options.directory, { recursive: true, force: true });
  }

  private async list(directory: string): Promise<void> {
    const found: { name: string; size: number; used: number }[] = [];
    for (const name of await readdir(directory)) {
      if (!name.endsWith(EXTENSION)) continue;
      const { size, mtimeMs } = await stat(join(directory, name));
      found.push({ name, size, used: mtimeMs });
    }
    for (const { name, size } of found.sort((a, b) => a.used - b.used)) this.files.set(name, size);
  }

  /** A file that is missing or damaged counts as not kept. */
  private async read(name: string, key: string): Promise<KvRows | undefined> {
    const size = this.files.get(name);
    const { directory, shape } = this.options;
    if (size === undefined || directory === undefined) return undefined;
    const path = join(directory, name);
    try {
      const bytes = await readFile(path);
      const content = bytes.subarray(DIGEST_BYTES);
      if (!digestOf(content).equals(bytes.subarray(0, DIGEST_BYTES))) throw new RangeError(`${path} is damaged`);
      const rows = unpackRowBytes(content, shape);
      this.files.delete(name);
      this.files.set(name, size);
      const now = new Date();
      await utimes(path, now, now);
      return this.memory.set(key, rows);
    } catch {
      this.files.delete(name);
      await rm(path, { force: true }).catch(() => {});
      return undefined;
    }
  }

  private async write(name: string, rows: KvRows): Promise<void> {
    const { directory, diskBytes = DISK_BYTES } = this.options;
    if (directory === undefined || this.files.has(name)) return;
    const content = packRowBytes(rows);
    const path = join(directory, name);
    await mkdir(directory, { recursive: true });
    await writeFile(`${path}.partial`, Buffer.concat([digestOf(content), content]));
    await rename(`${path}.partial`, path);
    this.files.set(name, DIGEST_BYTES + content.byteLength);
    let held = [...this.files.values()].reduce((sum, size) => sum + size, 0);
    for (const [oldest, size] of this.files) {
      if (held <= diskBytes) break;
      this.files.delete(oldest);
      held -= size;
      await rm(join(directory, oldest), { force: true });
    }
  }
}

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
