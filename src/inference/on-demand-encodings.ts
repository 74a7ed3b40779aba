/** Rows of segments that are computed for a question and cached for the next ones, outside the store and its budget. */
import type { OnDemandRows } from '../protocol';
import { ByteCache } from '../base';

/** The rows of one segment. */
export interface Rows {
  rows: number;
  /** Tokens that the rows represent. */
  tokens: number;
  byteLength: number;
}

/** A requested segment. `tokens` is called only when its rows are not cached. */
export interface Wanted {
  key: string;
  tokens: () => readonly number[];
}

export class OnDemandEncodings<R extends Rows> {
  private readonly kept: ByteCache<string, R>;

  /**
   * @param budget bytes of cached rows
   * @param rowsOf number of rows that a number of tokens needs
   * @param make computes the rows of segments from their tokens
   */
  constructor(
    budget: number,
    private readonly rowsOf: (tokens: number) => number,
    private readonly make: (segments: readonly (readonly number[])[], signal?: AbortSignal) => Promise<R[]>,
  ) {
    this.kept = new ByteCache(budget, ({ byteLength }, key) => byteLength + key.length);
  }

  get counts(): { hits: number; misses: number; evictions: number } {
    const { hits, misses, evictions } = this.kept;
    return { hits, misses, evictions };
  }

  /**
   * Opens the segments that fit, in their order. When room is short, the first segments are left out.
   *
   * @param room rows
   * @returns the rows for the context, and a report for each requested segment
   */
  async open(
    wanted: readonly Wanted[],
    room: number,
    signal?: AbortSignal,
  ): Promise<{ segments: { key: string; rows: R }[]; reports: OnDemandRows[] }> {
    const chosen: { key: string; rows?: R; tokens: readonly number[] }[] = [];
    for (const { key, tokens: read } of [...wanted].reverse()) {
      const rows = this.kept.get(key);
      const tokens = rows ? [] : read();
      const size = rows ? rows.rows : this.rowsOf(tokens.length);
      if (size === 0 || size > room) continue;
      room -= size;
      chosen.unshift({ key, tokens, ...(rows ? { rows } : {}) });
    }
    const missing = chosen.filter(({ rows }) => !rows);
    const made =
      missing.length === 0
        ? []
        : await this.make(
            missing.map(({ tokens }) => tokens),
            signal,
          );
    missing.forEach(({ key }, i) => this.kept.set(key, made[i] as R));
    const segments = chosen.map(({ key, rows }) => ({
      key,
      rows: rows ?? (made[missing.findIndex((each) => each.key === key)] as R),
      origin: rows ? ('memory' as const) : ('computed' as const),
    }));
    const reports = wanted.map(({ key }): OnDemandRows => {
      const own = segments.find((each) => each.key === key);
      return { key, rows: own?.rows.rows ?? 0, tokens: own?.rows.tokens ?? 0, origin: own?.origin ?? 'left' };
    });
    return { segments, reports };
  }
}
