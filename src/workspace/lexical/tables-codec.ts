import { ByteReader, ByteWriter } from './growable';
import type { Pace } from './pace';
import { type PartDocument, PartTables } from './part';

/**
 * The tables section of a pack: documents with their strings, segments with their lines and lengths. Repeated strings
 * are stored once.
 */

const zigzag = (value: number): number => (value << 1) ^ (value >> 31);
const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1);

export async function encodeTables(tables: PartTables, pace: Pace): Promise<Uint8Array> {
  const strings = new Map<string, number>();
  const ref = (text: string): number => {
    let index = strings.get(text);
    if (index === undefined) strings.set(text, (index = strings.size));
    return index;
  };
  const body = new ByteWriter();
  body.varint(tables.documents.length);
  for (const [row, document] of tables.documents.entries()) {
    if (pace.due) await pace.rest();
    body.string(document.docId);
    body.string(document.path === document.docId ? '' : document.path);
    body.varint(ref(document.language));
    writeHash(body, document.hash);
    body.varint(document.imports.length);
    for (const specifier of document.imports) body.varint(ref(specifier));
    writeSegments(body, tables, row);
  }
  const out = new ByteWriter();
  out.varint(strings.size);
  for (const text of strings.keys()) out.string(text);
  out.bytes(body.view());
  return out.view();
}

/** Writes a sha256 in 32 bytes, and any other string unchanged. */
function writeHash(out: ByteWriter, hash: string): void {
  if (/^[0-9a-f]{64}$/.test(hash)) {
    out.varint(0);
    out.bytes(Buffer.from(hash, 'hex'));
  } else {
    out.varint(1);
    out.string(hash);
  }
}

function writeSegments(out: ByteWriter, tables: PartTables, row: number): void {
  const first = tables.firstSegment.at(row);
  const end = tables.endSegment(row);
  out.varint(end - first);
  let line = 0;
  for (let s = first; s < end; s++) {
    out.varint(zigzag(tables.startLine.at(s) - line));
    out.varint(zigzag(tables.endLine.at(s) - tables.startLine.at(s)));
    out.varint(tables.segmentKind.at(s));
    out.varint(tables.segmentLength.at(s));
    line = tables.endLine.at(s);
  }
}

/**
 * Decodes the tables section.
 * @throws RangeError when the bytes are not a valid section
 */
export function decodeTables(bytes: Uint8Array): PartTables {
  const reader = new ByteReader(bytes);
  const strings = Array.from({ length: reader.varint() }, () => reader.string());
  const lookup = (index: number): string => {
    const text = strings[index];
    if (text === undefined) throw new RangeError('string out of range');
    return text;
  };
  const tables = new PartTables();
  for (let documents = reader.varint(); documents > 0; documents--) {
    const docId = reader.string();
    const path = reader.string() || docId;
    const language = lookup(reader.varint());
    const hash = reader.varint() === 0 ? Buffer.from(reader.bytes(32)).toString('hex') : reader.string();
    const imports = Array.from({ length: reader.varint() }, () => lookup(reader.varint()));
    const document: PartDocument = { docId, path, language, hash, imports };
    tables.addDocument(document);
    let line = 0;
    for (let segments = reader.varint(); segments > 0; segments--) {
      const start = line + unzigzag(reader.varint());
      line = start + unzigzag(reader.varint());
      const kind = reader.varint();
      tables.addSegment(start, line, kind, reader.varint());
    }
  }
  return tables;
}
