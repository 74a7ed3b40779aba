import { ExtractionError, type Extractor } from './extractor';

const HEAD_BYTES = 8_192;

const UTF16LE = new TextDecoder('utf-16le');
const UTF16BE = new TextDecoder('utf-16be');
const STRICT = new TextDecoder('utf-8', { fatal: true });
const LENIENT = new TextDecoder('utf-8');

/** Plain text: UTF-8, or UTF-16 with a byte order mark. Accepts every file that no other extractor accepts. */
export const TEXT: Extractor = {
  id: 'text',
  accepts: () => true,
  extract: (bytes) => decodeText(bytes),
};

/**
 * Decodes the bytes of a text file.
 * @throws ExtractionError when the bytes are not text
 */
export function decodeText(bytes: Uint8Array): { text: string; replaced: boolean } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: UTF16LE.decode(bytes), replaced: false };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: UTF16BE.decode(bytes), replaced: false };
  if (bytes.subarray(0, HEAD_BYTES).includes(0))
    throw new ExtractionError('binary', 'contains NUL bytes, so it is not text');
  try {
    return { text: STRICT.decode(bytes), replaced: false };
  } catch {
    const text = LENIENT.decode(bytes);
    if (looksBinary(text)) throw new ExtractionError('binary', 'most of it is not text');
    return { text, replaced: true };
  }
}

/** Whether more than a third of the beginning could not be decoded. */
function looksBinary(text: string): boolean {
  const head = text.slice(0, HEAD_BYTES);
  let odd = 0;
  for (let i = 0; i < head.length; i++) if (head.charCodeAt(i) === 0xfffd) odd++;
  return odd * 3 > head.length;
}
