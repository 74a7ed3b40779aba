import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { toStoreError } from './errors';

/**
 * An append-only file of checked records: `magic u32 · length u32 · crc32(payload) u32 · payload`, little-endian. A
 * record counts only if its checksum matches. A write interrupted at any byte therefore loses only that record. Damage
 * in the middle is skipped by searching for the next magic. Appends go to a known offset and overwrite the remains of
 * a failed write.
 */

const MAGIC = 0x43434e41;
const HEADER_BYTES = 12;
const MAX_RECORD_BYTES = 256 * 1024 * 1024;

export interface RecordPlace {
  /** Offset of the payload in the file. */
  offset: number;
  length: number;
}

export interface LogContents {
  records: readonly (RecordPlace & { payload: Buffer })[];
  /** Offset after the last complete record. */
  end: number;
  /** Bytes outside complete records. */
  damagedBytes: number;
}

/** Records are written together up to this size. Other work gets a turn at each write. */
const WRITE_BYTES = 256 << 10;

/** The file operations of a log, replaceable so that tests can make them fail. */
export interface LogFiles {
  write(file: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Replaces a log by records that are made as they are written. Atomic: a failure leaves the old log. */
  replace(file: string, records: AsyncIterable<Uint8Array>): Promise<void>;
}

export function frame(payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  record.writeUInt32LE(MAGIC, 0);
  record.writeUInt32LE(payload.length, 4);
  record.writeUInt32LE(crc32(payload), 8);
  record.set(payload, HEADER_BYTES);
  return record;
}

/** Returns the bytes that a payload takes in the file. */
export function framedBytes(length: number): number {
  return HEADER_BYTES + length;
}

/** Returns all complete records of a log, in order. A missing file is an empty log. */
export function readLog(file: string): LogContents {
  let bytes: Buffer;
  try {
    bytes = readWhole(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { records: [], end: 0, damagedBytes: 0 };
    throw toStoreError(error, file);
  }
  const records: (RecordPlace & { payload: Buffer })[] = [];
  let position = 0;
  let end = 0;
  let whole = 0;
  while (position + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(position + 4);
    const offset = position + HEADER_BYTES;
    const valid =
      bytes.readUInt32LE(position) === MAGIC && length <= MAX_RECORD_BYTES && offset + length <= bytes.length;
    const payload = valid ? bytes.subarray(offset, offset + length) : undefined;
    if (payload && crc32(payload) === bytes.readUInt32LE(position + 8)) {
      records.push({ offset, length, payload });
      position = offset + length;
      end = position;
      whole += HEADER_BYTES + length;
    } else {
      const next = bytes.indexOf(MAGIC_BYTES, position + 1);
      if (next < 0) break;
      position = next;
    }
  }
  return { records, end, damagedBytes: bytes.length - whole };
}

const MAGIC_BYTES = Buffer.from([0x41, 0x4e, 0x43, 0x43]);

function readWhole(file: string): Buffer {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafe(fstatSync(handle).size);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(handle, bytes, filled, bytes.length - filled, filled);
      if (read === 0) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(handle);
  }
}

/**
 * Reads one payload. Returns undefined when it differs from the written one, because the file was damaged while open.
 */
export function readRecord(file: string, { offset, length }: RecordPlace): Buffer | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + length);
    if (readSync(handle, bytes, 0, bytes.length, offset - HEADER_BYTES) !== bytes.length) return undefined;
    const payload = bytes.subarray(HEADER_BYTES);
    return crc32(payload) === bytes.readUInt32LE(8) ? payload : undefined;
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

export const DISK: LogFiles = {
  async write(file, offset, bytes) {
    const handle = await open(file, offset === 0 ? 'w' : 'r+');
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await handle.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
      // Bytes beyond, left by a failed write, are not part of the log.
      await handle.truncate(offset + bytes.length);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  },

  async replace(file, records) {
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      const handle = await open(temporary, 'w');
      try {
        let waiting: Uint8Array[] = [];
        let bytes = 0;
        const write = async (): Promise<void> => {
          await handle.writeFile(Buffer.concat(waiting));
          [waiting, bytes] = [[], 0];
        };
        for await (const record of records) {
          waiting.push(record);
          bytes += record.length;
          if (bytes >= WRITE_BYTES) await write();
        }
        await write();
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncDirectory(dirname(file));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  },
};

/** Makes a rename durable. On systems that cannot sync a directory, the file system decides. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows.
  }
}
