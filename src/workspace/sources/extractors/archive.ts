import { Unzip, type UnzipFile, UnzipInflate, UnzipPassThrough } from 'fflate';
import { ExtractionError } from './extractor';

/** Entries of an archive, and what all wanted ones may inflate to. */
const MAX_ENTRIES = 20_000;
const MAX_INFLATED = 96 << 20;
/** Texts shrink to a tenth; an archive made to be a bomb shrinks to a thousandth. */
const MAX_RATIO = 150;
const RATIO_FROM = 8 << 20;
/** Compressed bytes inflated at a time: at most a thousandfold is in memory before it is counted. */
const CHUNK = 8_192;

/**
 * The wanted entries of a zip archive, by name. Nothing is written to disk, so names lead nowhere.
 *
 * @throws ExtractionError
 */
export function readArchive(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  if (!(bytes[0] === 0x50 && bytes[1] === 0x4b)) throw new ExtractionError('malformed', 'is broken: it is no archive');
  const entries = new Map<string, Uint8Array>();
  let count = 0;
  let inflated = 0;
  const take = (file: UnzipFile): void => {
    if (++count > MAX_ENTRIES)
      throw new ExtractionError('tooLarge', `holds more than ${MAX_ENTRIES.toLocaleString('en')} files`);
    if (!wanted(file.name)) return;
    const parts: Uint8Array[] = [];
    file.ondata = (error, part, final) => {
      if (error) throw error;
      inflated += part.length;
      if (inflated > MAX_INFLATED || (inflated > RATIO_FROM && inflated > MAX_RATIO * bytes.length))
        throw new ExtractionError('tooLarge', 'inflates to far more than a document holds');
      parts.push(part);
      if (final) entries.set(file.name, concat(parts));
    };
    file.start();
  };
  const unzip = new Unzip(take);
  unzip.register(UnzipInflate);
  unzip.register(UnzipPassThrough);
  try {
    for (let at = 0; at < bytes.length; at += CHUNK)
      unzip.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
  } catch (error) {
    if (error instanceof ExtractionError) throw error;
    throw new ExtractionError('malformed', 'is broken: its archive cannot be read', { cause: error });
  }
  return entries;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
