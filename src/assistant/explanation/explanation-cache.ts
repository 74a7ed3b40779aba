/**
 * Caches explanations on disk by content. The key is a hash of the explained text, its label and the author, so an edit
 * makes a new entry and a branch switch finds the old one. Entries are written to a temporary file and renamed, so a
 * killed process leaves no partial entry.
 */
import * as l10n from '@vscode/l10n';
import { makeDirectory, sha256 } from '../../base/node';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Author, Explanation } from '../../protocol';

/** Version of the entry format. Entries of older versions are not found and age out. */
const FORMAT = 3;
const BUDGET_BYTES = 16 * 1024 * 1024;
const SWEEP_EVERY = 64;

export interface ExplanationCacheOptions {
  budgetBytes?: number;
  /** Receives write failures. They never fail a request. */
  warn?: (message: string) => void;
}

export class ExplanationCache {
  private writes = 0;

  constructor(
    private readonly directory: string,
    private readonly options: ExplanationCacheOptions = {},
  ) {}

  /**
   * The fixed phrases are in the display language, so it is part of the key: one of them stands for all.
   *
   * @param text the explained lines; @param label the name of the definition with its owners
   */
  static key(text: string, label: string, author: Author): string {
    return sha256(
      JSON.stringify([
        FORMAT,
        l10n.t('It calls:'),
        label,
        author.kind === 'extractive' ? 'extractive' : `${author.kind}:${author.model}`,
        text,
      ]),
    );
  }

  /** Undefined if there is no entry or it cannot be read. A damaged entry is removed. */
  async get(key: string): Promise<Explanation | undefined> {
    const file = this.fileOf(key);
    let content: string;
    try {
      content = await readFile(file, 'utf8');
    } catch {
      return undefined;
    }
    const entry = parseEntry(content);
    if (!entry) {
      await rm(file, { force: true }).catch(() => {});
      return undefined;
    }
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
    return { ...entry, cached: true };
  }

  async set(key: string, explanation: Explanation): Promise<void> {
    const file = this.fileOf(key);
    const partial = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.partial`;
    const body = JSON.stringify(explanation);
    try {
      makeDirectory(dirname(file));
      await writeFile(partial, `${sha256(body)}\n${body}`);
      await rename(partial, file);
      if (this.writes++ % SWEEP_EVERY === 0) await this.sweep();
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      this.options.warn?.(
        `The explanation could not be cached: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Removes everything. @returns bytes freed */
  async clear(): Promise<number> {
    const bytes = (await this.entries()).reduce((sum, entry) => sum + entry.bytes, 0);
    await rm(this.directory, { recursive: true, force: true });
    return bytes;
  }

  /** Removes the least recently used entries beyond the budget, and temporary files of killed processes. */
  private async sweep(): Promise<void> {
    const budget = this.options.budgetBytes ?? BUDGET_BYTES;
    const entries = (await this.entries()).sort((a, b) => b.used - a.used);
    const hourAgo = Date.now() - 3_600_000;
    let bytes = 0;
    for (const entry of entries) {
      const leftover = entry.file.endsWith('.partial');
      bytes += entry.bytes;
      if (leftover ? entry.used < hourAgo : bytes > budget) await rm(entry.file, { force: true });
    }
  }

  private async entries(): Promise<{ file: string; bytes: number; used: number }[]> {
    const entries: { file: string; bytes: number; used: number }[] = [];
    const names = await readdir(this.directory, { recursive: true }).catch(() => [] as string[]);
    for (const name of names) {
      const file = join(this.directory, name);
      const info = await stat(file).catch(() => undefined);
      if (info?.isFile()) entries.push({ file, bytes: info.size, used: info.mtimeMs });
    }
    return entries;
  }

  private fileOf(key: string): string {
    return join(this.directory, key.slice(0, 2), `${key.slice(2)}.json`);
  }
}

/** Parses the entry after its checksum line. Undefined if the checksum does not match. */
function parseEntry(content: string): Explanation | undefined {
  const end = content.indexOf('\n');
  const body = content.slice(end + 1);
  if (end !== 64 || sha256(body) !== content.slice(0, end)) return undefined;
  return JSON.parse(body) as Explanation;
}
