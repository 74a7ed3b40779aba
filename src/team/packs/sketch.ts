/**
 * Sketches tell which tokens the records of a pack may hold, so that a question opens few of a million records. They
 * are bit-sliced signatures (BitFunnel, Goodwin et al., SIGIR 2017): a token sets one of 2,048 bits of its record, and
 * the pack has one row of bits for each, a bit a record. A question reads the rows of its own tokens only.
 */
import type { TokenNeighbours } from '../../protocol/memory';

export const SKETCH_BITS = 2_048;
/** A whole number of 32-bit words for each row. */
const rowWords = (records: number): number => Math.ceil(records / 32);

export function sketchBytes(records: number): number {
  return SKETCH_BITS * 4 * rowWords(records);
}

/** Builds the sketch of records, from their token ids in the order of the pack. */
export function buildSketch(ids: readonly Uint16Array[]): Uint8Array {
  const words = rowWords(ids.length);
  const rows = new Uint32Array(SKETCH_BITS * words);
  ids.forEach((tokens, record) => {
    const [word, bit] = [record >>> 5, 1 << (record & 31)];
    for (const token of tokens) {
      const at = bitOf(token) * words + word;
      rows[at] = (rows[at] as number) | bit;
    }
  });
  return new Uint8Array(rows.buffer);
}

/** Spreads neighbouring ids, which are alike, over the bits (Knuth's multiplicative hash). */
const bitOf = (token: number): number => (Math.imul(token + 1, 0x9e3779b1) >>> 21) & (SKETCH_BITS - 1);

/** A question's tokens as bits, best neighbour first. */
export interface SketchQuery {
  weight: number;
  bits: readonly { bit: number; worth: number }[];
}

/**
 * @param sharpness exponent applied to a similarity, as late interaction applies it
 * @param mostBits neighbours of a token that count; the rest are far from it
 */
export function sketchQuery(
  { weights, starts, ids, similarities }: TokenNeighbours,
  sharpness: number,
  mostBits = 16,
): SketchQuery[] {
  return Array.from(weights, (weight, j): SketchQuery => {
    const worths = new Map<number, number>();
    for (let i = starts[j] as number; i < (starts[j + 1] as number); i++) {
      const bit = bitOf(ids[i] as number);
      worths.set(bit, Math.max(worths.get(bit) ?? 0, (similarities[i] as number) ** sharpness));
    }
    const bits = [...worths].map(([bit, worth]) => ({ bit, worth })).sort((a, b) => b.worth - a.worth);
    return { weight, bits: bits.slice(0, mostBits) };
  }).filter(({ weight, bits }) => weight > 0 && bits.length > 0);
}

export class Sketch {
  private readonly rows: Uint32Array;
  private readonly words: number;

  /** @param bytes as `buildSketch` made them, for `records` records */
  constructor(
    bytes: Uint8Array,
    readonly records: number,
  ) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
    this.words = rowWords(records);
    this.rows = new Uint32Array(aligned.buffer, aligned.byteOffset, SKETCH_BITS * this.words);
  }

  /** Adds to `scores` how much of the question each record may hold: an upper bound of late interaction's `segment`. */
  score(query: readonly SketchQuery[], scores: Float32Array): void {
    const { rows, words } = this;
    const seen = new Uint32Array(words);
    for (const { weight, bits } of query) {
      seen.fill(0);
      for (const { bit, worth } of bits) {
        const value = weight * worth;
        const row = bit * words;
        for (let word = 0; word < words; word++) {
          let fresh = (rows[row + word] as number) & ~(seen[word] as number);
          if (fresh === 0) continue;
          seen[word] = (seen[word] as number) | fresh;
          for (const base = word * 32; fresh !== 0; fresh &= fresh - 1) {
            const record = base + 31 - Math.clz32(fresh & -fresh);
            scores[record] = (scores[record] as number) + value;
          }
        }
      }
    }
  }
}
