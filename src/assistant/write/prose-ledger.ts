/** The ledger of a prose answer: the rows of each quote, the question and the answer. */
import type { ContextLedger, LedgerGroup, Writer, Written } from '../../protocol';
import type { Composed } from './compose-chat';
import { costsOf } from './quotes';

/** Lists each quoted span in full, anchored spans, the question with the instructions, and the answer. */
export async function proseLedger(composed: Composed, writer: Writer, written?: Written): Promise<ContextLedger> {
  const costs = await costsOf(composed.used, writer);
  const group = (kind: LedgerGroup['kind'], rows: number): LedgerGroup => ({
    kind,
    rows,
    tokens: rows,
    bytes: rows * writer.bytesPerRow,
    origin: 'computed',
  });
  const groups = composed.used.map((citation, index): LedgerGroup => ({
    ...group('full', costs[index] ?? 0),
    ...(written?.quotes?.origins[index] === 'memory' ? { origin: 'memory' } : {}),
    span: { file: citation.file, path: citation.path, startLine: citation.startLine, endLine: citation.endLine },
  }));
  composed.anchored.forEach(({ citation: { file, path, startLine, endLine } }, index) => {
    const { rows = 0, tokens = 0, origin } = written?.quotes?.anchors[index] ?? {};
    if (rows > 0)
      groups.push({
        ...group('anchors', rows),
        tokens,
        origin: origin ?? 'computed',
        span: { file, path, startLine, endLine },
      });
  });
  // The question's group takes the remainder, so that the sum equals the tokens read.
  const quoted = groups.reduce((sum, each) => sum + each.rows, 0);
  groups.push(
    group('question', Math.max(0, (written?.promptTokens ?? composed.promptTokens) - quoted)),
    group('answer', written?.newTokens ?? 0),
  );
  return {
    groups,
    capacityRows: writer.contextTokens,
    bytesPerRow: writer.bytesPerRow,
    ...(written?.quotes ? { cache: written.quotes.cache } : {}),
  };
}
