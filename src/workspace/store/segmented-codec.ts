import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DocumentSymbol, Segment, SegmentedDocument, SymbolKind } from '../types';

/** Increase when the meaning of the bytes below changes. */
export const SEGMENTED_FORMAT = 1;

type SymbolRow = [
  name: string,
  kind: SymbolKind,
  outer: readonly string[],
  lines: [start: number, span: number, doc: number],
  signature: string,
  flags: number,
  doc?: string,
];
type SegmentRow = [
  lines: number,
  characters: number,
  kind: number,
  symbols: number,
  breadcrumb: readonly string[],
  maxCharacters?: number,
];

const KINDS = ['code', 'prose', 'data'] as const;
const METHODS = ['syntax', 'headings', 'indentation', 'length'] as const;

/** Encodes a segmented document: rows of JSON, deflated. The result is at most a tenth of the text. */
export function encodeSegmented(segmented: SegmentedDocument): Buffer {
  const segments = segmented.segments.map((segment): SegmentRow => {
    // Segments and symbols are in order, so lengths suffice.
    const row: SegmentRow = [
      segment.endLine - segment.startLine + 1,
      segment.end - segment.start,
      KINDS.indexOf(segment.kind),
      segment.symbols.length,
      segment.breadcrumb,
    ];
    if (segment.maxCharacters !== undefined) row.push(segment.maxCharacters);
    return row;
  });
  const symbols = segmented.symbols.map((symbol): SymbolRow => {
    const flags = (symbol.exported ? 1 : 0) | (symbol.declaration ? 2 : 0);
    const row: SymbolRow = [
      symbol.name,
      symbol.kind,
      symbol.container,
      [symbol.startLine, symbol.endLine - symbol.startLine, symbol.docLine ?? 0],
      symbol.signature,
      flags,
    ];
    if (symbol.doc !== undefined) row.push(symbol.doc);
    return row;
  });
  return deflateRawSync(JSON.stringify([METHODS.indexOf(segmented.method), segments, symbols, segmented.imports]), {
    level: 4,
  });
}

/**
 * Decodes a segmented document.
 * @throws when the bytes are not a valid encoding
 */
export function decodeSegmented(bytes: Uint8Array): SegmentedDocument {
  const [method, segmentRows, symbolRows, imports] = JSON.parse(inflateRawSync(bytes).toString('utf8')) as [
    number,
    SegmentRow[],
    SymbolRow[],
    string[],
  ];
  let line = 1;
  let offset = 0;
  let symbol = 0;
  const segments = segmentRows.map(([lines, characters, kind, count, breadcrumb, maxCharacters]): Segment => {
    const segment: Segment = {
      startLine: line,
      endLine: line + lines - 1,
      start: offset,
      end: offset + characters,
      kind: KINDS[kind] ?? 'code',
      symbols: Array.from({ length: count }, (_, i) => symbol + i),
      breadcrumb,
      ...(maxCharacters !== undefined ? { maxCharacters } : {}),
    };
    line += lines;
    offset += characters;
    symbol += count;
    return segment;
  });
  const symbols = symbolRows.map(
    ([name, kind, container, [startLine, span, docLine], signature, flags, doc]): DocumentSymbol => ({
      name,
      kind,
      container,
      startLine,
      endLine: startLine + span,
      ...(docLine > 0 ? { docLine } : {}),
      signature,
      ...(doc !== undefined ? { doc } : {}),
      exported: (flags & 1) !== 0,
      ...((flags & 2) !== 0 ? { declaration: true } : {}),
    }),
  );
  return { segments, symbols, imports, method: METHODS[method] ?? 'indentation' };
}
