import type { ComposeReading, ContextLedger, OnDemandRows } from '../../protocol';
import type { MemorySegment } from '../memory-reader';
import { denseRowCount } from '../row-layout';
import type { ContextEngine, ContextSelection } from './compose';
import { ledgerOf } from './ledger';

/**
 * Builds the ledger of a planned context that no model reads. It shows how each part of the workspace would be
 * represented. Only rows that are already in the store have an origin.
 */
export function plannedLedger(
  { request, parts, questionTokens }: ContextSelection,
  { sinkRows, dense: ratio }: ContextEngine,
  bytesPerRow: number,
): ContextLedger {
  const planned = (key: string, tokens: number, rows = tokens): OnDemandRows => ({
    key,
    rows,
    tokens,
    origin: 'computed',
  });
  const { part } = parts;
  const partText = part && request.full.find(({ key }) => key === part.key)?.text;
  const dense = parts.dense.map(({ key, segment }, index) => {
    const source = request.dense[index];
    const tokens = source && 'ids' in source ? source.ids.length : tokensOf(segment, source?.text);
    return planned(key, tokens, ratio ? denseRowCount(tokens, ratio) : 0);
  });
  const rows: ComposeReading['rows'] = {
    sinks: sinkRows,
    coarse: request.coarse.rows.byteLength / bytesPerRow,
    fine: request.fine.rows.byteLength / bytesPerRow,
    question: questionTokens,
    compressed: { rows: 0, tokens: 0 },
    answer: 0,
    dense,
    full: [
      ...(part ? [planned(part.key, tokensOf(part.segment, partText))] : []),
      ...parts.full.map(({ key, tokens }) => planned(key, tokens)),
    ],
  };
  const reading: ComposeReading = {
    held: true,
    positions: 0,
    rows,
    bytesPerRow,
    timing: { splice: 0, read: 0, decode: 0, firstToken: 0 },
    cache: { hits: 0, misses: 0, evictions: 0 },
  };
  const { groups, capacityRows, left } = ledgerOf(parts, reading, request.capacityRows);
  return {
    groups: groups.map(({ origin, ...group }) => (origin === 'store' ? { ...group, origin } : group)),
    capacityRows,
    bytesPerRow,
    ...(left ? { left } : {}),
  };
}

/** Estimates the tokens of a part of a segment from its share of the segment's characters. */
function tokensOf({ tokens, start, end }: MemorySegment, text: string | undefined): number {
  return text === undefined ? tokens : Math.min(tokens, Math.round((tokens * text.length) / Math.max(1, end - start)));
}
