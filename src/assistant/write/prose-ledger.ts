/** The ledger of a prose answer: the rows of each unit, the question and the answer. */
import type { CachedRows, ContextLedger, LedgerGroup, Writer, Written } from '../../protocol';
import type { Unit } from './units';

export async function proseLedger(units: readonly Unit[], writer: Writer, written: Written): Promise<ContextLedger> {
  if (written.cached) return cachedLedger(written.cached, writer);
  const counts = await writer.countChats(
    ['', ...units.map(({ quote }) => quote)].map((content) => [{ role: 'user', content }]),
  );
  const [empty = 0, ...costs] = counts;
  const group = (kind: LedgerGroup['kind'], rows: number): LedgerGroup => ({
    kind,
    rows,
    tokens: rows,
    bytes: rows * writer.bytesPerRow,
    origin: 'computed',
  });
  const groups = units.map(({ file, path, startLine, endLine }, index): LedgerGroup => ({
    ...group('full', Math.max(0, (costs[index] ?? 0) - empty)),
    ...(written.quotes?.origins[index] === 'memory' ? { origin: 'memory' } : {}),
    span: { file, path, startLine, endLine },
  }));
  // The question's group takes the remainder, so that the sum equals the tokens read.
  const quoted = groups.reduce((sum, each) => sum + each.rows, 0);
  groups.push(group('question', Math.max(0, written.promptTokens - quoted)), group('answer', written.newTokens));
  return {
    groups,
    capacityRows: writer.contextTokens,
    bytesPerRow: writer.bytesPerRow,
    ...(written.quotes ? { cache: written.quotes.cache } : {}),
  };
}

/** A prompt beyond the window: its units have left it, or stand in it among the rest. */
function cachedLedger(cached: readonly CachedRows[], { bytesPerRow, contextTokens }: Writer): ContextLedger {
  const groups = cached.map((each): LedgerGroup => ({ ...each, bytes: each.rows * bytesPerRow, origin: 'computed' }));
  const rows = groups.reduce((sum, each) => sum + each.rows, 0);
  return { groups, capacityRows: Math.max(contextTokens, rows), bytesPerRow };
}
