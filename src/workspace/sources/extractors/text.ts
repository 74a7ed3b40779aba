import { decodeAs, type DetectedEncoding, detectEncoding, isValidAs, labelOfSetting } from './encoding';
import { ExtractionError, type Extractor } from './extractor';

const HEAD_BYTES = 8_192;

const UTF16LE = new TextDecoder('utf-16le');
const UTF16BE = new TextDecoder('utf-16be');
const STRICT = new TextDecoder('utf-8', { fatal: true });
const LENIENT = new TextDecoder('utf-8');
/** Damaged UTF-8 has at most this share of characters that are invalid among those beyond ASCII. */
const DAMAGED_SHARE = 0.2;

export interface DecodedText {
  text: string;
  /** Bytes that are invalid were replaced by U+FFFD. */
  replaced: boolean;
  /** Set where it is not Unicode. */
  encoding?: DetectedEncoding;
}

/** Plain text in Unicode or in an older encoding. Accepts whatever no other extractor does. */
export const TEXT: Extractor = {
  id: 'text',
  accepts: () => true,
  extract: (bytes, { encoding }) => decodeText(bytes, encoding),
};

/**
 * Decodes UTF-8 and UTF-16, with or without a byte order mark, and older encodings: the editor's setting where the
 * bytes are valid in it, else by detection.
 *
 * @param setting value of `files.encoding`
 * @throws ExtractionError when the bytes are no text
 */
export function decodeText(bytes: Uint8Array, setting = 'utf8'): DecodedText {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: UTF16LE.decode(bytes), replaced: false };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: UTF16BE.decode(bytes), replaced: false };
  const head = bytes.subarray(0, HEAD_BYTES);
  if (head.includes(0)) return decodeUtf16(bytes);
  if (hasMagic(head)) throw new ExtractionError('binary', 'is in a binary format');
  try {
    const text = STRICT.decode(bytes);
    return isIso2022(head) ? decodeOlder(bytes, sure('iso-2022-jp')) : { text, replaced: false };
  } catch {
    return decodeOld(bytes, labelOfSetting(setting));
  }
}

/**
 * Label of the encoding that a text is read in, by its beginning, which ends with a whole character.
 *
 * @throws ExtractionError when it is no text
 */
export function encodingOf(head: Uint8Array, setting?: string): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return decodeText(head, setting).encoding?.name ?? 'utf-8';
}

const sure = (name: string): DetectedEncoding => ({ name, sure: true });

function decodeOlder(bytes: Uint8Array, encoding: DetectedEncoding): DecodedText {
  const text = decodeAs(bytes, encoding.name);
  return { text, replaced: text.includes('\uFFFD'), encoding };
}

/** Fewer characters do not tell UTF-16 without a mark from binary data. */
const MIN_UTF16 = 16;

/** UTF-16 without a mark: every second byte of Latin text is zero. */
function decodeUtf16(bytes: Uint8Array): DecodedText {
  const head = bytes.subarray(0, HEAD_BYTES & ~1);
  for (const [label, decoder] of [
    ['utf-16le', UTF16LE],
    ['utf-16be', UTF16BE],
  ] as const)
    if (bytes.length % 2 === 0 && isWritten(decoder.decode(head)))
      return { text: decoder.decode(bytes), replaced: false, encoding: sure(label) };
  throw new ExtractionError('binary', 'contains NUL bytes, so it is not text');
}

/** Characters that people write, with spaces or line ends among them. */
function isWritten(text: string): boolean {
  if (text.length < MIN_UTF16) return false;
  let odd = 0;
  let plain = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x0a || (code >= 0x30 && code < 0x7f)) plain++;
    else if ((code < 0x20 && code !== 9 && code !== 13) || (code >= 0xe000 && code <= 0xf8ff) || code >= 0xfff0) odd++;
    else if (code >= 0xd800 && code <= 0xdfff && !isPair(text, i)) odd++;
  }
  return odd * 50 <= text.length && plain * 20 >= text.length;
}

/** Whether a surrogate stands beside its other half, as in an emoji. */
function isPair(text: string, i: number): boolean {
  const [first, second] = text.charCodeAt(i) < 0xdc00 ? [i, i + 1] : [i - 1, i];
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(first, second + 1));
}

const isIso2022 = (head: Uint8Array): boolean =>
  head.some((byte, i) => byte === 0x1b && head[i + 1] === 0x24 && (head[i + 2] === 0x42 || head[i + 2] === 0x40));

/** Not UTF-8: an older encoding, UTF-8 with some bytes damaged, or no text. */
function decodeOld(bytes: Uint8Array, chosen: string | undefined): DecodedText {
  const lenient = LENIENT.decode(bytes);
  if (controls(bytes) > 0.02) throw new ExtractionError('binary', 'is mostly not text');
  if (chosen !== undefined && isValidAs(bytes, chosen)) return decodeOlder(bytes, sure(chosen));
  const { replaced, valid } = beyondAscii(lenient);
  if (replaced <= DAMAGED_SHARE * (replaced + valid)) return { text: lenient, replaced: true };
  const encoding = detectEncoding(bytes);
  if (!encoding) throw new ExtractionError('binary', 'is mostly not text');
  return decodeOlder(bytes, encoding);
}

function beyondAscii(text: string): { replaced: number; valid: number } {
  let replaced = 0;
  let valid = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd) replaced++;
    else if (code >= 0x80) valid++;
  }
  return { replaced, valid };
}

/** Share of control characters that no text has, at the beginning. */
function controls(bytes: Uint8Array): number {
  const head = bytes.subarray(0, HEAD_BYTES);
  let count = 0;
  for (const byte of head)
    if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12 && byte !== 0x1b) count++;
  return count / Math.max(1, head.length);
}

/** Formats whose first bytes need not hold a NUL. */
const MAGIC: readonly (readonly number[])[] = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x47, 0x49, 0x46, 0x38],
  [0x50, 0x4b, 0x03, 0x04],
  [0x1f, 0x8b, 0x08],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x52, 0x61, 0x72, 0x21, 0x1a],
  [0x7f, 0x45, 0x4c, 0x46],
  [0x25, 0x50, 0x44, 0x46, 0x2d],
];

const hasMagic = (head: Uint8Array): boolean => MAGIC.some((magic) => magic.every((byte, i) => head[i] === byte));

/** Why a file that begins with these bytes is not text: "is in a binary format". @param head its first 8 KB */
export function binaryReason(head: Uint8Array): string | undefined {
  try {
    // The cut may part a character.
    const end = head.length < HEAD_BYTES ? head.length : Math.max(head.lastIndexOf(10), head.length & ~3);
    decodeText(head.subarray(0, end));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
