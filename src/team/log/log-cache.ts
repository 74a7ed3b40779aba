/** Copies of logs on this machine, so that a process reads only what is new. They are checked like the store's. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../base/node';

export class LogCache {
  private readonly directory: string;

  constructor(directory: string, version: string) {
    this.directory = join(directory, version);
  }

  /** Empty when there is no copy. */
  async read(log: string): Promise<Uint8Array> {
    return readFile(join(this.directory, `log-${log}`)).catch(() => new Uint8Array(0));
  }

  /** Never rejects: without a copy the log is read from the store. */
  async write(log: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.directory, `log-${log}`);
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      makeDirectory(this.directory);
      await writeFile(temporary, bytes);
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
