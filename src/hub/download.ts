import { formatBytes } from '../base';
import { createHash, type Hash } from 'node:crypto';
import { open, readFile, rename, rm, statfs, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asHubError, HubError } from './errors';
import { causeOf, DEFAULT_RETRY, request, TransientError, withRetries, type Fetch, type RetryPolicy } from './http';

/** A file as the hub publishes it. */
export interface PublishedFile {
  /** File name without folders. */
  name: string;
  /** Size in bytes. */
  size: number;
  /**
   * Large files: SHA-256 of the content. Small files: git's blob hash, which is the SHA-1 of "blob SIZE\0" and the
   * content.
   */
  digest: { kind: 'sha256' | 'git'; hex: string };
}

export interface DownloadOptions {
  fetch: Fetch;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Receives the number of bytes of this file on disk. */
  onProgress?: (bytes: number) => void;
  retry?: Partial<RetryPolicy>;
}

/** Bytes that stay free on the disk after the download. */
const DISK_MARGIN = 64 << 20;
const READ_BACK_BYTES = 1 << 20;

/**
 * Downloads a file to `target` and checks it against the published digest. `target.partial` and a sidecar file hold an
 * incomplete download, and a later call resumes it. The finished file is renamed to `target`.
 *
 * @throws HubError
 */
export async function downloadFile(
  url: string,
  file: PublishedFile,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  for (let round = 0; ; round++) {
    const partial = await PartialFile.open(target, file);
    try {
      options.onProgress?.(partial.length);
      await withRetries(retry, options.signal, (signal, alive) =>
        fetchRest(url, file, partial, { ...options, signal }, alive),
      );
      if (partial.digest() === file.digest.hex) {
        await partial.finish();
        return;
      }
    } finally {
      await partial.close();
    }
    await partial.discard();
    // A first wrong copy may have been damaged in transit or on disk. A second one is wrong on the server.
    if (round === 1)
      throw new HubError(
        'corrupt',
        `${url}: the download does not match the published digest ${file.digest.hex}, after two attempts. ` +
          'It was deleted.',
      );
  }
}

/** Requests the missing bytes and appends them. @throws TransientError if the connection ends before the file */
async function fetchRest(
  url: string,
  file: PublishedFile,
  partial: PartialFile,
  options: DownloadOptions & { signal: AbortSignal },
  alive: (headway: boolean) => void,
): Promise<void> {
  if (partial.length === file.size) return;
  // Compressed responses do not support ranges.
  const headers = {
    ...options.headers,
    'accept-encoding': 'identity',
    ...(partial.length > 0 ? { range: `bytes=${partial.length}-` } : {}),
  };
  const response = await request(options.fetch, url, headers, options.signal);
  await checkStart(url, response, file, partial);
  const body = response.body;
  if (!body) throw new TransientError(`${url}: the response has no body`);
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (partial.length + value.length > file.size) {
        await partial.restart();
        throw new TransientError(`${url}: received more than the published ${file.size} bytes`);
      }
      await partial.append(value);
      alive(partial.reachedFurther());
      options.onProgress?.(partial.length);
    }
  } catch (error) {
    if (error instanceof HubError || error instanceof TransientError) throw error;
    throw new TransientError(`${url}: the connection broke at byte ${partial.length}: ${causeOf(error)}`, undefined, {
      cause: error,
    });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (partial.length < file.size)
    throw new TransientError(`${url}: the response ended at byte ${partial.length} of ${file.size}`);
}

/** Checks that the response continues the partial file. If the server restarts from byte 0, so does the file. */
async function checkStart(url: string, response: Response, file: PublishedFile, partial: PartialFile): Promise<void> {
  if (response.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const fits = range && Number(range[1]) === partial.length && (range[2] === '*' || Number(range[2]) === file.size);
    if (fits) return;
  } else if (response.status === 200) {
    if (partial.length > 0) await partial.restart();
    return;
  }
  await response.body?.cancel().catch(() => undefined);
  await partial.restart();
  throw new TransientError(
    `${url}: the server's range ${response.headers.get('content-range') ?? '(none)'} is not the requested one`,
  );
}

/** The part of a file on disk. Its hash is updated as it grows. */
class PartialFile {
  length = 0;
  private furthest = 0;
  private readonly path: string;
  private readonly target: string;
  private readonly file: PublishedFile;
  private handle: FileHandle;
  private hash: Hash;

  private constructor(target: string, file: PublishedFile, handle: FileHandle) {
    this.target = target;
    this.path = `${target}.partial`;
    this.file = file;
    this.handle = handle;
    this.hash = newHash(file);
  }

  /** Opens the partial file of an earlier call, if it belongs to the same file. Otherwise starts a new one. */
  static async open(target: string, file: PublishedFile): Promise<PartialFile> {
    const path = `${target}.partial`;
    const sidecar = `${path}.json`;
    const mark = JSON.stringify({ size: file.size, digest: file.digest });
    try {
      const known = (await readFile(sidecar, 'utf8').catch(() => '')) === mark;
      if (!known) {
        await rm(path, { force: true });
        await writeFile(sidecar, mark);
      }
      const partial = new PartialFile(target, file, await open(path, known ? 'a+' : 'w+'));
      try {
        await partial.readBack();
      } catch (error) {
        await partial.close();
        throw error;
      }
      return partial;
    } catch (error) {
      throw asHubError(error, path);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await this.handle.write(bytes, written, bytes.length - written)).bytesWritten;
    } catch (error) {
      throw asHubError(error, this.path);
    }
    this.hash.update(bytes);
    this.length += bytes.length;
  }

  async restart(): Promise<void> {
    try {
      await this.handle.close();
      this.handle = await open(this.path, 'w+');
    } catch (error) {
      throw asHubError(error, this.path);
    }
    this.hash = newHash(this.file);
    this.length = 0;
  }

  /** True if the file is longer than in all earlier attempts. */
  reachedFurther(): boolean {
    const further = this.length > this.furthest;
    this.furthest = Math.max(this.furthest, this.length);
    return further;
  }

  digest(): string {
    return this.hash.copy().digest('hex');
  }

  async finish(): Promise<void> {
    try {
      await this.handle.sync();
      await this.handle.close();
      await rename(this.path, this.target);
      await rm(`${this.path}.json`, { force: true });
    } catch (error) {
      throw asHubError(error, this.target);
    }
  }

  async close(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }

  async discard(): Promise<void> {
    try {
      await rm(this.path, { force: true });
      await rm(`${this.path}.json`, { force: true });
    } catch (error) {
      throw asHubError(error, this.path);
    }
  }

  /** Hashes the bytes on disk. Bytes beyond the published size are dropped. */
  private async readBack(): Promise<void> {
    const { size } = await this.handle.stat();
    if (size > this.file.size) {
      await truncate(this.path, 0);
      return;
    }
    const buffer = new Uint8Array(READ_BACK_BYTES);
    while (this.length < size) {
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.length);
      if (bytesRead === 0) break;
      this.hash.update(buffer.subarray(0, bytesRead));
      this.length += bytesRead;
    }
  }
}

function newHash({ digest, size }: PublishedFile): Hash {
  return digest.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/**
 * @param path an existing file or folder on the disk to check
 * @throws HubError 'diskFull' if `bytes` more do not fit on the disk
 */
export async function assertDiskSpace(path: string, bytes: number): Promise<void> {
  let free: number;
  try {
    const status = await statfs(path);
    free = status.bavail * status.bsize;
  } catch {
    return; // Not every file system reports its free space. Writing then reports a full disk.
  }
  if (free < bytes + DISK_MARGIN) {
    throw new HubError(
      'diskFull',
      `${dirname(path)}: the download needs ${formatBytes(bytes)}, and ${formatBytes(free)} are free. Free some ` +
        `space, or choose another folder for models.`,
    );
  }
}

/** Bytes of these files that are not on disk yet. Partial files count as on disk. */
export async function missingBytes(
  files: readonly PublishedFile[],
  sizeOnDisk: (name: string) => Promise<number>,
): Promise<number> {
  let missing = 0;
  for (const file of files) missing += Math.max(0, file.size - (await sizeOnDisk(file.name)));
  return missing;
}
