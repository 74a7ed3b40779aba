import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ByteCache } from '../../base';
import { ExtractionThread, type ExtractionThreadOptions } from './extractors/extraction-thread';
import { ExtractionError, type ExtractionErrorCode, type Extraction, type ExtractionLimits } from './extractors';

/** Changes whenever the same bytes would give another text. */
const VERSION = 1;
/** Characters of text kept in memory. */
const CACHE_CHARACTERS = 24_000_000;
/** Bytes of text kept on disk; the texts used longest ago go first. */
const MAX_DISK_BYTES = 256 << 20;
const PRUNE_EVERY = 32;
/** A text inflates at most to this; more is no text that was written here. */
const MAX_INFLATED = 128 << 20;

export interface ExtractionsOptions extends ExtractionThreadOptions {
  /** Where texts are kept; undefined for memory only. */
  directory?: string;
}

/** A text, or why the bytes give none: a broken document is not tried at every start. */
type Outcome = { extraction: Extraction } | { failure: { code: ExtractionErrorCode; message: string } };

/**
 * Texts of documents whose extraction is slow, by the bytes they come from. Indexing, questions and citations read the
 * same document many times; it is extracted once. A text that cannot be kept on disk is extracted again.
 */
export class Extractions {
  private readonly recent = new ByteCache<string, Outcome>(CACHE_CHARACTERS, (outcome) =>
    'extraction' in outcome ? outcome.extraction.text.length : 100,
  );
  private readonly thread: ExtractionThread;
  private written = 0;

  constructor(private readonly options: ExtractionsOptions = {}) {
    this.thread = new ExtractionThread(options);
  }

  /** @throws ExtractionError */
  async extract(type: string, bytes: Uint8Array, limits: ExtractionLimits): Promise<Extraction> {
    const key = createHash('sha256').update(`${VERSION} ${type} ${limits.maxCharacters}\n`).update(bytes).digest('hex');
    let outcome = this.recent.get(key) ?? (await this.load(key));
    if (!outcome) {
      outcome = await this.extractNow(type, bytes, limits);
      await this.keep(key, outcome);
    }
    this.recent.set(key, outcome);
    if ('extraction' in outcome) return outcome.extraction;
    throw new ExtractionError(outcome.failure.code, outcome.failure.message);
  }

  private async extractNow(type: string, bytes: Uint8Array, limits: ExtractionLimits): Promise<Outcome> {
    try {
      return { extraction: await this.thread.extract(type, bytes, limits) };
    } catch (error) {
      if (!(error instanceof ExtractionError)) throw error;
      return { failure: { code: error.code, message: error.message } };
    }
  }

  private async load(key: string): Promise<Outcome | undefined> {
    const { directory } = this.options;
    if (directory === undefined) return undefined;
    try {
      const file = join(directory, `${key}.gz`);
      const json = gunzipSync(await readFile(file), { maxOutputLength: MAX_INFLATED }).toString('utf8');
      const outcome: unknown = JSON.parse(json);
      if (!isOutcome(outcome)) return undefined;
      const now = new Date();
      await utimes(file, now, now);
      return outcome;
    } catch {
      return undefined;
    }
  }

  private async keep(key: string, outcome: Outcome): Promise<void> {
    const { directory } = this.options;
    if (directory === undefined) return;
    try {
      await mkdir(directory, { recursive: true });
      const part = join(directory, `${key}.${process.pid}.part`);
      await writeFile(part, gzipSync(JSON.stringify(outcome), { level: 4 }));
      await rename(part, join(directory, `${key}.gz`));
      if (this.written++ % PRUNE_EVERY === 0) await this.prune(directory);
    } catch {
      // A full or failing disk costs time at the next reading, and the index reports it.
    }
  }

  private async prune(directory: string): Promise<void> {
    const files = await Promise.all(
      (await readdir(directory)).map(async (name) => {
        const file = join(directory, name);
        const { size, mtimeMs } = await stat(file);
        return { file, size, mtimeMs };
      }),
    );
    let bytes = 0;
    for (const { file, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      bytes += size;
      if (bytes > MAX_DISK_BYTES) await rm(file, { force: true });
    }
  }

  /** Forgets everything; returns the bytes given back on disk. */
  async clear(): Promise<number> {
    this.recent.clear();
    const { directory } = this.options;
    if (directory === undefined) return 0;
    const names = await readdir(directory).catch(() => []);
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(directory, name)).catch(() => undefined))?.size ?? 0),
    );
    await rm(directory, { recursive: true, force: true });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  close(): Promise<void> {
    return this.thread.close();
  }
}

function isOutcome(value: unknown): value is Outcome {
  const { extraction, failure } = (value ?? {}) as { extraction?: { text?: unknown }; failure?: { message?: unknown } };
  return typeof extraction?.text === 'string' || typeof failure?.message === 'string';
}
