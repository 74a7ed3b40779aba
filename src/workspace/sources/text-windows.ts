/**
 * Reads a text of any length in windows of whole lines, so that memory does not grow with the file. Only files whose
 * lines are those of the text can be read so (`isPlainText`).
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ExtractionError } from './extractors';
import { decodeAs } from './extractors/encoding';
import { encodingOf } from './extractors/text';
import { ReadError, readErrorOf } from './read-error';

/** A run of lines of a text. A line longer than a window is parted: the next window `continues` it. */
export interface TextWindow {
  text: string;
  /** 1-based number of the first line. */
  startLine: number;
  /** Position of the window in the file, in bytes. */
  start: number;
  end: number;
  continues: boolean;
}

export interface WindowOptions {
  /** Size of a window. */
  bytes: number;
  /** Position of the first window, which must begin a line, and the number of that line. */
  from?: { start: number; startLine: number };
  signal?: AbortSignal | undefined;
  /** The editor's encoding of a text that is not Unicode. */
  encoding?: string | undefined;
}

const HEAD_BYTES = 65_536;
const NEWLINE = 10;
const RETURN = 13;

/** @throws ReadError when the file is no text or cannot be read */
export async function* textWindows(
  file: string,
  { bytes, from = { start: 0, startLine: 1 }, signal, encoding: setting }: WindowOptions,
): AsyncGenerator<TextWindow> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const info = await handle.stat();
    if (info.isDirectory()) throw new ReadError('directory', file, 'is a folder');
    if (!info.isFile()) throw new ReadError('special', file, 'is not a regular file');
    const encoding = await encodingOfFile(handle, file, setting);
    const buffer = Buffer.allocUnsafeSlow(bytes);
    let { start, startLine } = from;
    let continues = false;
    for (;;) {
      signal?.throwIfAborted();
      const length = await fill(handle, buffer, start);
      if (length === 0) return;
      const cut = length < bytes ? length : endOfLines(buffer, encoding);
      const end = cut > 0 ? cut : endOfCharacters(buffer, encoding);
      const text = decodeAs(buffer.subarray(0, end), encoding).replace(/^\uFEFF/, '');
      yield { text, startLine, start, end: start + end, continues };
      startLine += lineEnds(text);
      start += end;
      continues = cut === 0;
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    throw readErrorOf(error, file);
  } finally {
    await handle?.close();
  }
}

async function fill(handle: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

async function encodingOfFile(handle: FileHandle, file: string, setting?: string): Promise<string> {
  const buffer = Buffer.alloc(HEAD_BYTES);
  const length = await fill(handle, buffer, 0);
  const end = length < HEAD_BYTES ? length : buffer.lastIndexOf(NEWLINE) + 1 || endOfCharacters(buffer, 'utf-8');
  try {
    return encodingOf(buffer.subarray(0, end), setting);
  } catch (error) {
    throw error instanceof ExtractionError ? new ReadError(error.code, file, error.message, { cause: error }) : error;
  }
}

const isWide = (encoding: string): boolean => encoding.startsWith('utf-16');

/** End of the last whole line in a full buffer; 0 where no line ends in it. */
function endOfLines(buffer: Buffer, encoding: string): number {
  if (!isWide(encoding)) return buffer.lastIndexOf(NEWLINE) + 1 || buffer.lastIndexOf(RETURN, -2) + 1;
  const low = encoding === 'utf-16le' ? 0 : 1;
  for (let at = buffer.length - 2 - (buffer.length % 2); at >= 0; at -= 2)
    if (buffer[at + low] === NEWLINE && buffer[at + 1 - low] === 0) return at + 2;
  return 0;
}

/** End of the last whole character, within a line that is longer than the buffer. */
function endOfCharacters(buffer: Buffer, encoding: string): number {
  if (isWide(encoding)) return buffer.length & ~3;
  let end = buffer.length;
  if (encoding === 'utf-8') while (end > buffer.length - 4 && ((buffer[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  // The byte before `end` begins a character that may be incomplete.
  return encoding === 'utf-8' && (buffer[end - 1] ?? 0) >= 0xc0 ? end - 1 : end;
}

/** Number of lines that end in a text. Lines end as in `LineTable`. */
function lineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  if (text.includes('\r')) count += text.match(/\r(?!\n)/g)?.length ?? 0;
  return count;
}
