import { RowKind, type AttentionPolicy, type RowPlace } from '../attention/policy';

/** A token that is about to get a row. */
export interface NewRow extends RowPlace {
  token: number;
}

/** How far a context has read. */
export interface ReadingState {
  /** Position of the next token. */
  readonly position: number;
  /** Tokens read (not counting spliced rows). */
  readonly read: number;
  /** Anchors read. */
  readonly group: number;
  /** Tokens since the last anchor. */
  readonly sinceAnchor: number;
}

/** The rows that tokens [from, to) would get if all tokens were read now. */
export function planRows(
  policy: AttentionPolicy,
  state: ReadingState,
  tokens: ArrayLike<number>,
  from = 0,
  to = tokens.length,
): NewRow[] {
  let { read, group, sinceAnchor } = state;
  const rows: NewRow[] = [];
  for (let i = 0; i < to; i++) {
    const token = tokens[i] as number;
    const kind = policy.kindOf(token, read, sinceAnchor);
    if (i >= from) rows.push({ token, kind, position: state.position + i, group });
    read++;
    sinceAnchor++;
    if (kind === RowKind.anchor) {
      group++;
      sinceAnchor = 0;
    }
  }
  return rows;
}

/**
 * Predicts which of the held and planned rows stay while the tokens are read in chunks, and returns the largest number
 * at once. It drops none: `Context#dropUnseen` drops rows by the same rule of the policy.
 */
export function mostKept(
  policy: AttentionPolicy,
  held: readonly RowPlace[],
  planned: readonly NewRow[],
  chunk: number,
): number {
  let kept = held;
  let most = held.length;
  for (let from = 0; from < planned.length; from += chunk) {
    const added = planned.slice(from, from + chunk);
    const last = added.at(-1) as NewRow;
    const next = last.position + 1;
    const group = last.group + (last.kind === RowKind.anchor ? 1 : 0);
    kept = [...kept, ...added].filter((row) => policy.keeps(row, next, group));
    most = Math.max(most, kept.length);
  }
  return most;
}
