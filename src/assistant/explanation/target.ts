/** Finds the definition or lines that an explanation is about. */
import { splitLines } from '../../base';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import { labelOf } from '../facts';
import { linesText } from '../phrases';
import type { AssistantLibrary } from '../library';
import { readOrThrow } from '../read-document';

export interface Target {
  document: Document;
  lines: readonly string[];
  symbol?: DocumentSymbol;
  startLine: number;
  endLine: number;
  label: string;
  /** Definitions one level inside the target. */
  members: readonly DocumentSymbol[];
  segmented: SegmentedDocument;
}

/**
 * Chooses the definition or the lines. A selection that begins on a definition's head or comment means the definition,
 * and so does a single line inside it. Several lines inside a body mean those lines.
 *
 * @throws AppError('fileNotFound' | 'fileUnreadable')
 */
export async function findTarget(
  request: { file: string; startLine: number; endLine: number },
  library: AssistantLibrary,
): Promise<Target> {
  const document = await readOrThrow(library, request.file);
  const lines = splitLines(document.text);
  const startLine = clampLine(Math.min(request.startLine, request.endLine), lines);
  const endLine = clampLine(Math.max(request.startLine, request.endLine), lines);
  const segmented = await library.segmentsOf(document);
  const { symbols, segments } = segmented;
  const startOf = (symbol: DocumentSymbol) => Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
  const around = symbols.filter(
    (symbol) => startOf(symbol) <= startLine && symbol.endLine >= startLine && symbol.endLine >= endLine,
  );
  const innermost = around.sort((a, b) => a.endLine - startOf(a) - (b.endLine - startOf(b)))[0];
  const covered = symbols.find(
    (symbol) => startLine <= symbol.startLine && symbol.endLine <= endLine && symbol.startLine - startLine <= 2,
  );
  const onHead = innermost && (startLine === endLine || startLine <= innermost.startLine);
  const symbol = onHead ? innermost : covered;
  if (symbol) {
    const first = startOf(symbol);
    const last = Math.min(Math.max(symbol.endLine, symbol.startLine), lines.length);
    const members = symbols.filter(
      (each) =>
        each !== symbol &&
        each.startLine >= symbol.startLine &&
        each.endLine <= last &&
        each.container.length === symbol.container.length + 1,
    );
    return { document, lines, symbol, startLine: first, endLine: last, label: labelOf(symbol), members, segmented };
  }
  // A line outside every definition means its segment.
  const segment =
    startLine === endLine
      ? segments.find((each) => each.startLine <= startLine && startLine <= each.endLine)
      : undefined;
  const [first, last] = segment ? [segment.startLine, Math.min(segment.endLine, lines.length)] : [startLine, endLine];
  const label = `${innermost ? labelOf(innermost) : document.path}, ${linesText({ startLine: first, endLine: last })}`;
  return { document, lines, startLine: first, endLine: last, label, members: [], segmented };
}

function clampLine(line: number, lines: readonly string[]): number {
  return Math.min(Math.max(1, Math.floor(line)), Math.max(1, lines.length));
}
