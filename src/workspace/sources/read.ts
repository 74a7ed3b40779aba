import { sha256 } from '../../base/node';
import { languageOf } from '../languages';
import type { Document } from '../types';
import { Extractions } from './extractions';
import type { DetectedEncoding } from './extractors/encoding';
import { ExtractionError, type Extraction, extractorFor, isPlainText, maxBytesOf } from './extractors';
import { ReadError, readErrorOf } from './read-error';
import { type FileBytes, readRegularFile, readRegularFileNow } from './regular-file';

export { ReadError, type ReadErrorCode } from './read-error';

export interface ReadResult {
  document: Document;
  /** Size in bytes and time of the last change (ms), both from the moment of reading. */
  size: number;
  mtimeMs: number;
  /** True when bytes that are not UTF-8 were replaced by U+FFFD, because the file has another encoding. */
  replaced: boolean;
  /** Set where the text is not Unicode. */
  encoding?: DetectedEncoding;
}

/** Longer files are refused regardless of the setting: V8 ends the process at strings of 512 MB. */
const MAX_BYTES = 256 << 20;
/** Maximum characters of extracted text. Indexing and reading use the same value, so that both give the same text. */
const MAX_CHARACTERS = 16_000_000;
const HEAD_BYTES = 8_192;
/** For readers without a workspace. */
const IN_MEMORY = new Extractions();
/** Number of characters used to detect the language of a text. */
const HEAD_CHARACTERS = 4_096;

/**
 * Reads one document.
 * @param path workspace path
 * @param maxFileBytes maximum size of a text file; other document types have their own limits
 * @param extractions reads documents whose extraction is slow, and keeps their texts
 * @param encoding the editor's encoding of texts that are not Unicode; default: detection
 * @throws ReadError
 */
export async function readDocument(
  file: string,
  path: string,
  maxFileBytes = MAX_BYTES,
  extractions = IN_MEMORY,
  encoding?: string,
): Promise<ReadResult> {
  const read = await readRegularFile(file, { maxBytes: Math.min(MAX_BYTES, maxBytesOf(path, maxFileBytes)) });
  return resultOf(file, path, read, await extract(file, path, read.bytes, extractions, encoding));
}

/** Why a file gives no document: "is a broken PDF"; undefined where it gives one. */
export async function troubleWith(
  ...[file, path, ...how]: Parameters<typeof readDocument>
): Promise<string | undefined> {
  try {
    await readDocument(file, path, ...how);
    return undefined;
  } catch (error) {
    return error instanceof ReadError ? error.reason : String(error);
  }
}

/**
 * Reads small plain text (isPlainText) synchronously, because a trip through the thread pool takes longer than
 * reading.
 * @throws ReadError
 */
export function readDocumentNow(
  file: string,
  path: string,
  extractions = IN_MEMORY,
  encoding?: string,
): ReadResult | Promise<ReadResult> {
  if (!isPlainText(path)) return readDocument(file, path, MAX_BYTES, extractions, encoding);
  const read = readRegularFileNow(file, { maxBytes: MAX_BYTES });
  const extraction = extract(file, path, read.bytes, extractions, encoding);
  return extraction instanceof Promise
    ? extraction.then((done) => resultOf(file, path, read, done))
    : resultOf(file, path, read, extraction);
}

/**
 * Creates a document from an editor's text.
 * @throws ReadError
 */
export async function documentOfText(file: string, path: string, text: string): Promise<Document> {
  if (isPlainText(path)) return toDocument(file, path, text);
  return documentOf(file, path, await extract(file, path, Buffer.from(text), IN_MEMORY));
}

/** Creates a document from plain text. */
export function toDocument(file: string, path: string, text: string): Document {
  return documentOf(file, path, { text });
}

function documentOf(file: string, path: string, { text, language, places }: Extraction): Document {
  return {
    file,
    path,
    language: language ?? languageOf(path, text.slice(0, HEAD_CHARACTERS)),
    text,
    hash: sha256(text),
    ...(places ? { places } : {}),
  };
}

function resultOf(file: string, path: string, { size, mtimeMs }: FileBytes, extraction: Extraction): ReadResult {
  return {
    document: documentOf(file, path, extraction),
    size,
    mtimeMs,
    replaced: extraction.replaced ?? false,
    ...(extraction.encoding ? { encoding: extraction.encoding } : {}),
  };
}

function extract(
  file: string,
  path: string,
  bytes: Uint8Array,
  extractions: Extractions,
  encoding?: string,
): Extraction | Promise<Extraction> {
  const fail = (error: unknown): never => {
    throw error instanceof ExtractionError
      ? new ReadError(error.code, file, error.message, { cause: error })
      : readErrorOf(error, file);
  };
  const limits = { maxCharacters: MAX_CHARACTERS, encoding };
  try {
    const extractor = extractorFor(path, bytes.subarray(0, HEAD_BYTES));
    const extraction =
      extractor.extract === 'thread'
        ? extractions.extract(extractor.id, bytes, limits)
        : extractor.extract(bytes, limits);
    return extraction instanceof Promise ? extraction.catch(fail) : extraction;
  } catch (error) {
    return fail(error);
  }
}
