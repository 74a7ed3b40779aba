import type { ContextLedger, LedgerGroup, LedgerKind, LedgerOrigin } from '../../protocol';
import { KIND_ORDER } from './kinds';

/** Adjacent groups of one kind, drawn as one block. Positions are fractions of the strip (0 … 1). */
export interface Block {
  kind: LedgerKind;
  groups: readonly LedgerGroup[];
  rows: number;
  tokens: number;
  bytes: number;
  /** Position in the row bar. The whole bar is the capacity of the context. */
  rowStart: number;
  rowEnd: number;
  /** Position in the token bar. The whole bar is all represented tokens. */
  tokenStart: number;
  tokenEnd: number;
}

export interface Totals {
  rows: number;
  tokens: number;
  bytes: number;
  /** Unused rows of the context. */
  freeRows: number;
}

export interface KindTotal {
  kind: LedgerKind;
  rows: number;
  tokens: number;
  bytes: number;
}

export interface FileTotal {
  path: string;
  file: string;
  rows: number;
  tokens: number;
  bytes: number;
  /** First and last line of the file in the context. */
  startLine: number;
  endLine: number;
  kinds: readonly LedgerKind[];
}

export function totals(ledger: ContextLedger): Totals {
  const sum = add(ledger.groups);
  return { ...sum, freeRows: Math.max(0, ledger.capacityRows - sum.rows) };
}

/** Tokens that the answer did not have to read again; undefined if its ledger does not tell where rows come from. */
export function keptTokens({ groups, cache }: ContextLedger): number | undefined {
  return cache && add(groups.filter(({ origin }) => origin === 'memory')).tokens;
}

/**
 * Lays out blocks to scale, in the order of the kinds. Groups smaller than `least` of the strip are joined with
 * adjacent groups of the same kind. So a context of thousands of groups can be drawn, and no group is left out.
 */
export function layoutBlocks(ledger: ContextLedger, least: number): Block[] {
  const all = add(ledger.groups);
  const capacity = Math.max(ledger.capacityRows, all.rows, 1);
  const tokenTotal = Math.max(all.tokens, 1);
  const blocks: Block[] = [];
  let rows = 0;
  let tokens = 0;
  for (const kind of KIND_ORDER) {
    for (const joined of join(
      ledger.groups.filter((group) => group.kind === kind),
      least,
      capacity,
      tokenTotal,
    )) {
      const sum = add(joined);
      blocks.push({
        kind,
        groups: joined,
        ...sum,
        rowStart: rows / capacity,
        rowEnd: (rows + sum.rows) / capacity,
        tokenStart: tokens / tokenTotal,
        tokenEnd: (tokens + sum.tokens) / tokenTotal,
      });
      rows += sum.rows;
      tokens += sum.tokens;
    }
  }
  return blocks;
}

/** The origins of the groups' rows, most rows first. */
export function originsOf(groups: readonly LedgerGroup[]): LedgerOrigin[] {
  const rows = new Map<LedgerOrigin, number>();
  for (const { origin, rows: own } of groups) if (origin) rows.set(origin, (rows.get(origin) ?? 0) + own);
  return [...rows].sort((a, b) => b[1] - a[1]).map(([origin]) => origin);
}

/** Totals per kind, for the funnels and the table. */
export function kindTotals(ledger: ContextLedger): KindTotal[] {
  return KIND_ORDER.flatMap((kind) => {
    const groups = ledger.groups.filter((group) => group.kind === kind);
    return groups.length > 0 ? [{ kind, ...add(groups) }] : [];
  });
}

/** Totals per file, most rows first. */
export function fileTotals(ledger: ContextLedger): FileTotal[] {
  const files = new Map<string, FileTotal & { kinds: LedgerKind[] }>();
  for (const { span, kind, rows, tokens, bytes } of ledger.groups) {
    if (!span) continue;
    const known = files.get(span.file);
    if (!known) {
      files.set(span.file, {
        path: span.path,
        file: span.file,
        rows,
        tokens,
        bytes,
        startLine: span.startLine,
        endLine: span.endLine,
        kinds: [kind],
      });
      continue;
    }
    known.rows += rows;
    known.tokens += tokens;
    known.bytes += bytes;
    known.startLine = Math.min(known.startLine, span.startLine);
    known.endLine = Math.max(known.endLine, span.endLine);
    if (!known.kinds.includes(kind)) known.kinds.push(kind);
  }
  return [...files.values()].sort((a, b) => b.rows - a.rows || b.tokens - a.tokens || a.path.localeCompare(b.path));
}

function add(groups: readonly LedgerGroup[]): { rows: number; tokens: number; bytes: number } {
  const sum = { rows: 0, tokens: 0, bytes: 0 };
  for (const group of groups) {
    sum.rows += group.rows;
    sum.tokens += group.tokens;
    sum.bytes += group.bytes;
  }
  return sum;
}

/** Joins adjacent groups until they are wide enough in one of the bars. */
function join(groups: readonly LedgerGroup[], least: number, capacity: number, tokenTotal: number): LedgerGroup[][] {
  const joined: LedgerGroup[][] = [];
  let current: LedgerGroup[] = [];
  let width = 0;
  for (const group of groups) {
    current.push(group);
    width += Math.max(group.rows / capacity, group.tokens / tokenTotal);
    if (width >= least) {
      joined.push(current);
      current = [];
      width = 0;
    }
  }
  if (current.length > 0) {
    const last = joined.at(-1);
    if (last) last.push(...current);
    else joined.push(current);
  }
  return joined;
}
