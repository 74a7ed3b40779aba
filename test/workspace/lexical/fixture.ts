import { createHash } from 'node:crypto';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../../src/workspace/types';

/** Makes a document cut every `linesPerSegment` lines. Lines `def NAME` (optionally after `# doc`) define symbols. */
export function makeDocument(
  path: string,
  text: string,
  linesPerSegment = 3,
): { document: Document; segmented: SegmentedDocument } {
  const document: Document = {
    file: `/w/${path}`,
    path,
    language: 'python',
    text,
    hash: createHash('sha256').update(text).digest('hex'),
  };
  const lines = text.split('\n');
  const symbols: DocumentSymbol[] = [];
  lines.forEach((line, i) => {
    const name = /^\s*def (\w+)/.exec(line)?.[1];
    if (name === undefined) return;
    const doc = /^\s*# (.*)/.exec(lines[i - 1] ?? '')?.[1];
    symbols.push({
      name,
      kind: 'function',
      container: [],
      startLine: i + 1,
      endLine: i + 1,
      signature: line,
      exported: true,
      ...(doc === undefined ? {} : { docLine: i, doc }),
    });
  });
  const segments = [];
  let start = 0;
  for (let first = 0; first < lines.length; first += linesPerSegment) {
    const taken = lines.slice(first, first + linesPerSegment);
    const end = Math.min(text.length, start + taken.join('\n').length + 1);
    const [startLine, endLine] = [first + 1, first + taken.length];
    const begun = symbols.flatMap((symbol, i) =>
      symbol.startLine >= startLine && symbol.startLine <= endLine ? [i] : [],
    );
    segments.push({ startLine, endLine, start, end, kind: 'code' as const, symbols: begun, breadcrumb: [] });
    start = end;
  }
  return { document, segmented: { segments, symbols, imports: [], method: 'indentation' } };
}
