import { errorCode } from '../../base';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ReadError, readErrorOf } from './read-error';

/** The bytes of a regular file, with its size and the time of its last change (ms), from the moment of reading. */
export interface FileBytes {
  bytes: Buffer;
  size: number;
  mtimeMs: number;
}

export interface RegularFileOptions {
  /** Longer files fail with `tooLarge`. */
  maxBytes: number;
  /** Refuses a symbolic link, as git refuses a linked `.gitignore`. */
  refuseLinks?: boolean;
}

/** Opening a FIFO without a writer, or a terminal, would block forever. Windows has neither flag. */
const flagsOf = ({ refuseLinks }: RegularFileOptions): number =>
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (refuseLinks ? (constants.O_NOFOLLOW ?? 0) : 0);

/**
 * Reads a regular file. Devices, FIFOs and sockets are refused without reading from them. A file that grows beyond
 * `maxBytes` while it is read is refused.
 * @throws ReadError
 */
export async function readRegularFile(file: string, options: RegularFileOptions): Promise<FileBytes> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, flagsOf(options));
    const info = await handle.stat();
    checkKind(info, file, options);
    const reading = new Reading(info.size, file, options);
    for (;;) {
      const { bytesRead } = await handle.read(reading.buffer, reading.length, reading.room, reading.length);
      if (reading.isDone(bytesRead)) return { bytes: reading.bytes, size: info.size, mtimeMs: info.mtimeMs };
    }
  } catch (error) {
    throw readErrorOf(error, file);
  } finally {
    await handle?.close();
  }
}

/**
 * Reads a small regular file synchronously, because a trip through the thread pool takes longer than reading.
 * @throws ReadError
 */
export function readRegularFileNow(file: string, options: RegularFileOptions): FileBytes {
  let handle: number | undefined;
  try {
    handle = openSync(file, flagsOf(options));
    const info = fstatSync(handle);
    checkKind(info, file, options);
    const reading = new Reading(info.size, file, options);
    while (!reading.isDone(readSync(handle, reading.buffer, reading.length, reading.room, reading.length)));
    return { bytes: reading.bytes, size: info.size, mtimeMs: info.mtimeMs };
  } catch (error) {
    throw readErrorOf(error, file);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/**
 * Reads the text of a small UTF-8 file. Returns undefined when it is missing, unreadable, too large, or not a regular
 * file.
 */
export function readSmallText(file: string, options: RegularFileOptions): string | undefined {
  try {
    return readRegularFileNow(file, options).bytes.toString('utf8');
  } catch (error) {
    if (error instanceof ReadError || errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

function checkKind(
  info: { isFile(): boolean; isDirectory(): boolean; size: number },
  file: string,
  { maxBytes }: RegularFileOptions,
): void {
  if (info.isDirectory()) throw new ReadError('directory', file, 'is a folder');
  if (!info.isFile()) throw new ReadError('special', file, 'is not a regular file (a device, a pipe or a socket)');
  if (info.size > maxBytes) throw new ReadError('tooLarge', file, `larger than ${maxBytes} bytes`);
}

/** Collects the bytes of one file. The buffer has room for one byte more than expected, to detect growth. */
class Reading {
  buffer: Buffer;
  length = 0;

  constructor(
    size: number,
    private readonly file: string,
    private readonly options: RegularFileOptions,
  ) {
    this.buffer = Buffer.allocUnsafeSlow(size + 1);
  }

  get room(): number {
    return this.buffer.length - this.length;
  }

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  isDone(bytesRead: number): boolean {
    this.length += bytesRead;
    if (this.length > this.options.maxBytes)
      throw new ReadError('tooLarge', this.file, `larger than ${this.options.maxBytes} bytes`);
    if (bytesRead === 0) return true;
    // Files in /proc have size 0 and content.
    if (this.room === 0) this.buffer = Buffer.concat([this.buffer, Buffer.allocUnsafeSlow(this.buffer.length)]);
    return false;
  }
}
