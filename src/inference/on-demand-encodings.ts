/**
 * Rows of segments that are made when a question asks for them, and kept for the next questions: outside the store and
 * its budget.
 */
import type { OpenedRows } from '../protocol';
import { ByteCache } from '../base';

/** What is made of a segment. */
export interface Rows {
  rows: number;
  /** Stood for. */
  tokens: number;
  byteLength: number;
}

/** A segment that is wanted; its tokens are asked for when its rows are not there. */
export interface Wanted {
  key: string;
  tokens: () => readonly number[];
}

export class OpenedSegments<R extends Rows> {
  private readonly kept: ByteCache<string, R>;

  /**
   * @param budget bytes
   * @param rowsOf rows that so many tokens make
   * @param make of the tokens of each segment its rows
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
   * Rows of the segments for which there is room, in their order; what does not fit is left out, the first before the
   * last.
   *
   * @param room rows
   * @returns what stands in the context, and what is to be said of each segment that was wanted
   */
  async open(
    wanted: readonly Wanted[],
    room: number,
    signal?: AbortSignal,
  ): Promise<{ segments: { key: string; rows: R }[]; said: OpenedRows[] }> {
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
    const said = wanted.map(({ key }): OpenedRows => {
      const own = segments.find((each) => each.key === key);
      return { key, rows: own?.rows.rows ?? 0, tokens: own?.rows.tokens ?? 0, origin: own?.origin ?? 'left' };
    });
    return { segments, said };
  }
}
