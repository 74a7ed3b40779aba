import { open, stat, type FileHandle } from 'node:fs/promises';
import { asCheckpointError, CheckpointError } from '../checkpoint/errors';

/** Largest single read: Node refuses reads beyond 2 GiB. */
const READ_BYTES = 1 << 28;

/**
 * A file that is open for ranged reads, as long as nobody changes it. An open handle would continue to read a file that
 * was replaced; half old, half new weights would be worse than an error.
 */
export class RangedFile {
  private constructor(
    readonly path: string,
    /** Bytes. */
    readonly size: number,
    private readonly handle: FileHandle,
    private readonly identity: string,
  ) {}

  /** @throws CheckpointError */
  static async open(path: string): Promise<RangedFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const status = await handle.stat();
      return new RangedFile(path, status.size, handle, identify(status));
    } catch (error) {
      await handle?.close();
      throw asCheckpointError(error, path);
    }
  }

  /** Reads up to the length of `target`; returns the bytes read, fewer only at the end of the file. */
  async readSome(offset: number, target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const step = Math.min(READ_BYTES, target.length - filled);
      const bytesRead = await this.read(target, filled, step, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  /**
   * Fills `target` from `offset`.
   *
   * @throws CheckpointError `changed` when the file is no longer the one that was opened
   */
  async readBytes(offset: number, target: Uint8Array): Promise<void> {
    if ((await this.readSome(offset, target)) < target.length) throw this.changed('ends early');
    await this.assertUnchanged();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private async read(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    try {
      return (await this.handle.read(target, at, length, position)).bytesRead;
    } catch (error) {
      throw asCheckpointError(error, this.path);
    }
  }

  private async assertUnchanged(): Promise<void> {
    let now: string;
    try {
      now = identify(await stat(this.path));
    } catch (error) {
      throw this.changed('is gone', error);
    }
    if (now !== this.identity || identify(await this.handle.stat()) !== this.identity)
      throw this.changed('was replaced or written to');
  }

  private changed(change: string, cause?: unknown): CheckpointError {
    return new CheckpointError(
      'changed',
      this.path,
      '',
      `the file ${change} while it was open; open the checkpoint again`,
      { cause },
    );
  }
}

function identify(status: { dev: number; ino: number; size: number; mtimeMs: number }): string {
  return `${status.dev}:${status.ino}:${status.size}:${status.mtimeMs}`;
}
