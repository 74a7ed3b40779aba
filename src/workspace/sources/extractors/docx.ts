import { zipSync } from 'fflate';
import { convertToHtml } from 'mammoth';
import { readArchive } from './archive';
import { ExtractionError, type Extraction, type ExtractionLimits } from './extractor';
import { textOfBlocks } from './markup/blocks';
import { readHtml } from './markup/html-blocks';

/** Characters of the largest part; the document tree takes some twenty times as much. */
const MAX_PART = 24 << 20;
/** An old `.doc`, or a document with a password, is a compound file. */
const COMPOUND = [0xd0, 0xcf, 0x11, 0xe0];

/** A Word document without its pictures; sections begin at headings of the first level. @throws ExtractionError */
export async function extractDocx(bytes: Uint8Array, { maxCharacters }: ExtractionLimits): Promise<Extraction> {
  if (COMPOUND.every((byte, i) => bytes[i] === byte))
    throw new ExtractionError('encrypted', 'opens with a password only, or has the format of Word 97');
  const entries = readArchive(bytes, (name) => /\.(?:xml|rels)$/i.test(name));
  for (const [name, part] of entries) {
    if (part.length > MAX_PART) throw new ExtractionError('tooLarge', `has a part of more than ${MAX_PART >> 20} MB`);
    // Word writes no DOCTYPE: only entities that grow need one.
    if (declaresType(part)) throw new ExtractionError('malformed', `is no Word document: ${name} declares entities`);
  }
  const html = await toHtml(entries);
  if (html.length > 8 * maxCharacters) throw new ExtractionError('tooLarge', 'holds too much text');
  const { blocks } = readHtml(html);
  const { text, lines } = textOfBlocks(blocks);
  if (text.length > maxCharacters)
    throw new ExtractionError('tooLarge', `holds more than ${maxCharacters.toLocaleString('en')} characters of text`);
  if (text.trim() === '') throw new ExtractionError('noText', 'is a Word document without text');
  return { text, language: 'markdown', places: sectionsOf(text.split('\n'), lines.length) };
}

function declaresType(part: Uint8Array): boolean {
  return /<!(?:DOCTYPE|ENTITY)/i.test(
    Buffer.from(part.buffer, part.byteOffset, Math.min(part.length, 4_096)).toString('latin1'),
  );
}

/** mammoth reads an archive: it is given one of the parts that were checked, so nothing inflates beyond the limits. */
async function toHtml(entries: ReadonlyMap<string, Uint8Array>): Promise<string> {
  if (![...entries.keys()].some((name) => /(?:^|\/)document\d*\.xml$/.test(name)))
    throw new ExtractionError('malformed', 'is no Word document: it has no text part');
  try {
    const buffer = Buffer.from(zipSync(Object.fromEntries(entries), { level: 0 }));
    const { value } = await convertToHtml({ buffer }, { includeDefaultStyleMap: true, ignoreEmptyParagraphs: true });
    return value;
  } catch (error) {
    throw new ExtractionError('malformed', 'is a broken Word document', { cause: error });
  }
}

function sectionsOf(textLines: readonly string[], count: number): Extraction['places'] {
  const starts = textLines.flatMap((line, i) => (/^# /.test(line) ? [i + 1] : []));
  if (starts[0] !== 1) starts.unshift(1);
  return starts.map((startLine, i) => ({
    kind: 'section',
    number: i + 1,
    startLine,
    endLine: Math.max(startLine, (starts[i + 1] ?? count + 1) - 1),
  }));
}
