import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorCode } from '../../base';
import { LexicalStoreError } from './types';

/**
 * The outer format of a pack: a header of 64 bytes, followed by four sections.
 *
 *     0   8 bytes  magic: identifies the format and the version of the terms; another version is rebuilt
 *     8   u32      crc32 of bytes 12…63
 *     12  4 × { f64 length, u32 crc32 }  postings, dictionary, tables, checks
 *
 * `checks` has the CRC-32 (u32) of each block of POSTING_BLOCK bytes of the postings. Every read of a block verifies
 * it.
 *
 * Change the magic whenever the meaning of terms.ts, stem.ts or a section's layout changes.
 */
export const MAGIC = 'ANLXPK05';
/** Reason for not using a file of another version. It is not damaged. */
export const OTHER_VERSION = 'made by another version';
export const HEADER_BYTES = 64;
/** Bytes of postings that one checksum covers: a page, so that a short list costs one page to verify. */
export const POSTING_BLOCK = 4096;
export const SECTIONS = ['postings', 'dictionary', 'tables', 'checks'] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface Section {
  offset: number;
  length: number;
  crc: number;
}

export type Layout = Record<SectionName, Section>;

/** Verified bytes of postings: `bytes` covers [start, end) of the section. */
export interface PostingBytes {
  bytes: Uint8Array;
  start: number;
  end: number;
}

export function encodeHeader(sections: Record<SectionName, { length: number; crc: number }>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  SECTIONS.forEach((name, i) => {
    header.writeDoubleLE(sections[name].length, 12 + i * 12);
    header.writeUInt32LE(sections[name].crc, 20 + i * 12);
  });
  header.writeUInt32LE(crc32(header.subarray(12)), 8);
  return header;
}

function corrupt(file: string, message: string): LexicalStoreError {
  return new LexicalStoreError('lexicalCorrupt', file, message);
}

function decodeHeader(header: Buffer, file: string): Layout {
  const magic = header.toString('latin1', 0, 8);
  if (magic !== MAGIC) throw corrupt(file, magic.startsWith('ANLXPK') ? OTHER_VERSION : 'not an index pack');
  if (crc32(header.subarray(12)) !== header.readUInt32LE(8)) throw corrupt(file, 'the header is damaged');
  let offset = HEADER_BYTES;
  const layout = {} as Layout;
  SECTIONS.forEach((name, i) => {
    const length = header.readDoubleLE(12 + i * 12);
    layout[name] = { offset, length, crc: header.readUInt32LE(20 + i * 12) };
    offset += length;
  });
  return layout;
}

function unreadable(path: string, cause: unknown): LexicalStoreError {
  return new LexicalStoreError('lexicalCorrupt', path, `cannot be read (${errorCode(cause) ?? String(cause)})`, {
    cause,
  });
}

function readHeader(path: string, fd: number): { size: number; header: Buffer } {
  const header = Buffer.alloc(HEADER_BYTES);
  let size: number;
  try {
    ({ size } = fstatSync(fd));
    readSync(fd, header, 0, HEADER_BYTES, 0);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (size < HEADER_BYTES) throw corrupt(path, `cut off at ${size} bytes`);
  return { size, header };
}

/** An open pack file from which ranges are read. */
export class PackFile {
  private checks = new Uint32Array(0);

  private constructor(
    readonly path: string,
    readonly layout: Layout,
    readonly bytes: number,
    private fd: number,
  ) {}

  /**
   * Opens a pack file. Checks its size and, with `verify`, the checksum of every section.
   * @throws LexicalStoreError `lexicalCorrupt` when the file is incomplete
   */
  static open(path: string, verify: boolean): PackFile {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      throw new LexicalStoreError(
        'lexicalCorrupt',
        path,
        `cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
        { cause: error },
      );
    }
    try {
      const { size, header } = readHeader(path, fd);
      const layout = decodeHeader(header, path);
      const whole = layout.checks.offset + layout.checks.length;
      if (size !== whole) throw corrupt(path, `has ${size} bytes where ${whole} were written`);
      const file = new PackFile(path, layout, size, fd);
      file.checks = new Uint32Array(new Uint8Array(file.section('checks')).buffer);
      if (file.checks.length !== Math.ceil(layout.postings.length / POSTING_BLOCK))
        throw corrupt(path, 'checks: the number of blocks differs from that of the postings');
      if (verify) file.verify('postings');
      return file;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Reads `length` bytes at `offset` of a section into `into`. */
  read(section: SectionName, offset: number, length: number, into: Uint8Array): void {
    if (this.fd < 0) throw new LexicalStoreError('lexicalClosed', this.path, 'the pack is closed');
    const { offset: base, length: size } = this.layout[section];
    if (offset < 0 || offset + length > size)
      throw corrupt(this.path, `${section}: bytes ${offset}+${length} are outside of ${size}`);
    for (let done = 0; done < length;) {
      const got = this.readSome(into.subarray(done, length), base + offset + done);
      if (got === 0) throw corrupt(this.path, `${section}: cut off while it was in use`);
      done += got;
    }
  }

  private readSome(into: Uint8Array, position: number): number {
    try {
      return readSync(this.fd, into, 0, into.length, position);
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }

  /** A whole section, verified. */
  section(name: SectionName): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.layout[name].length);
    this.read(name, 0, bytes.length, bytes);
    if (crc32(bytes) !== this.layout[name].crc) throw corrupt(this.path, `${name}: the checksum does not match`);
    return bytes;
  }

  /**
   * Reads and verifies the blocks that contain `length` bytes of postings at `offset`. They are in `scratch`, or in a
   * larger buffer if it is too small.
   */
  readPostings(offset: number, length: number, scratch: Uint8Array): PostingBytes {
    const first = Math.floor(offset / POSTING_BLOCK);
    const start = first * POSTING_BLOCK;
    const end = Math.min(Math.ceil((offset + length) / POSTING_BLOCK) * POSTING_BLOCK, this.layout.postings.length);
    if (offset + length > end) throw corrupt(this.path, `postings: bytes ${offset}+${length} are outside of ${end}`);
    const bytes = end - start > scratch.length ? new Uint8Array((end - start) * 2) : scratch;
    this.read('postings', start, end - start, bytes);
    for (let at = start, block = first; at < end; at += POSTING_BLOCK, block++) {
      const view = bytes.subarray(at - start, Math.min(at + POSTING_BLOCK, end) - start);
      if (crc32(view) !== this.checks[block])
        throw corrupt(this.path, `postings: the checksum of block ${block} does not match`);
    }
    return { bytes, start, end };
  }

  private verify(name: SectionName): void {
    const { length, crc } = this.layout[name];
    const chunk = Buffer.allocUnsafe(Math.min(length, 1 << 20));
    let sum = 0;
    for (let offset = 0; offset < length; offset += chunk.length) {
      const view = chunk.subarray(0, Math.min(chunk.length, length - offset));
      this.read(name, offset, view.length, view);
      sum = crc32(view, sum);
    }
    if (sum !== crc) throw corrupt(this.path, `${name}: the checksum does not match`);
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}
