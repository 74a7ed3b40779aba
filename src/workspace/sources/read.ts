import { AppError } from '../../base';
import { sha256 } from '../../base/node';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Document } from '../types';
import { languageOf } from '../languages';

export type ReadErrorCode = 'missing' | 'denied' | 'binary' | 'tooLarge' | 'directory' | 'failed';

/** A file that gives no document, and the reason. */
export class ReadError extends AppError<ReadErrorCode> {
  override readonly name = 'ReadError';

  constructor(
    code: ReadErrorCode,
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${file}: ${message}`, undefined, options);
  }
}

export interface ReadResult {
  document: Document;
  /** Bytes on disk and time of the last change (ms), both of the moment of reading. */
  size: number;
  mtimeMs: number;
  /** Bytes that are no UTF-8 were replaced by U+FFFD: the file has another encoding. */
  replaced: boolean;
}

const HEAD_BYTES = 8_192;

/**
 * Reads one text file: UTF-8, or UTF-16 when it begins with a byte order mark.
 * @param path workspace path
 * @throws ReadError
 */
export async function readDocument(file: string, path: string, maxBytes = Infinity): Promise<ReadResult> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { size, mtimeMs } = await handle.stat();
    if (size > maxBytes) throw new ReadError('tooLarge', file, `larger than ${maxBytes} bytes`);
    // Read through the handle: what was measured is what is read, also when the file is replaced meanwhile.
    const bytes = await handle.readFile();
    const { text, replaced } = decode(bytes, file);
    return { document: toDocument(file, path, text), size, mtimeMs, replaced };
  } catch (error) {
    throw error instanceof ReadError ? error : readError(error, file);
  } finally {
    await handle?.close();
  }
}

/**
 * The same without leaving the thread: for the few small files a question needs, where a trip through the thread pool
 * costs more than the reading.
 * @throws ReadError
 */
export function readDocumentNow(file: string, path: string): ReadResult {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { size, mtimeMs } = fstatSync(handle);
    const { text, replaced } = decode(readFileSync(handle), file);
    return { document: toDocument(file, path, text), size, mtimeMs, replaced };
  } catch (error) {
    throw error instanceof ReadError ? error : readError(error, file);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

export function toDocument(file: string, path: string, text: string): Document {
  return { file, path, language: languageOf(path, text.slice(0, 4_096)), text, hash: sha256(text) };
}

const UTF16LE = new TextDecoder('utf-16le');
const UTF16BE = new TextDecoder('utf-16be');
const STRICT = new TextDecoder('utf-8', { fatal: true });
const LENIENT = new TextDecoder('utf-8');

function decode(bytes: Uint8Array, file: string): { text: string; replaced: boolean } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: UTF16LE.decode(bytes), replaced: false };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: UTF16BE.decode(bytes), replaced: false };
  if (bytes.subarray(0, HEAD_BYTES).includes(0))
    throw new ReadError('binary', file, 'holds NUL bytes, so it is no text');
  try {
    return { text: STRICT.decode(bytes), replaced: false };
  } catch {
    const text = LENIENT.decode(bytes);
    if (looksBinary(text)) throw new ReadError('binary', file, 'most of it is no text');
    return { text, replaced: true };
  }
}

/** More than a third of the beginning could not be decoded. */
function looksBinary(text: string): boolean {
  const head = text.slice(0, HEAD_BYTES);
  let odd = 0;
  for (let i = 0; i < head.length; i++) if (head.charCodeAt(i) === 0xfffd) odd++;
  return odd * 3 > head.length;
}

function readError(error: unknown, file: string): ReadError {
  const code = (error as NodeJS.ErrnoException).code;
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new ReadError('missing', file, 'is not there any more', options);
  if (code === 'EACCES' || code === 'EPERM')
    return new ReadError('denied', file, 'may not be read: check its permissions', options);
  if (code === 'EISDIR') return new ReadError('directory', file, 'is a folder', options);
  return new ReadError('failed', file, `cannot be read (${code ?? String(error)})`, options);
}
