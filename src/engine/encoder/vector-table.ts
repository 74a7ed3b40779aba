import { assemble, define, doWhile, i16x8, i32, i32x4, v128 } from '../decoder/wasm/assembler';
import type { Code } from '../decoder/wasm/assembler';

const PAGE = 65536;
/** Columns that the kernel reads at once. Vectors are padded to a multiple of them. */
const LANES = 16;
/** The byte that stands for 1 in a vector, and the 16-bit number that does so in a query. */
const BYTE_SCALE = 127;
const QUERY_SCALE = 32_767;

/** Products of `count` vectors of signed bytes with a query in 16 bits, each of `blocks` times 16 columns. */
const products = define(
  'products',
  { vectors: 'i32', query: 'i32', results: 'i32', count: 'i32', blocks: 'i32' },
  { sum: 'v128', bytes: 'v128', at: 'i32', left: 'i32' },
  ({ vectors, query, results, count, blocks, sum, bytes, at, left }) => {
    const add = (halves: Code, offset: number): Code =>
      sum.set(i32x4.add(sum.get, i32x4.dotI16x8S(halves, v128.load(at.get, offset))));
    const across = [1, 2, 3].reduce<Code>(
      (all, lane) => i32.add(all, i32x4.extractLane(sum.get, lane)),
      i32x4.extractLane(sum.get, 0),
    );
    return doWhile(
      [
        sum.set(v128.zero),
        at.set(query.get),
        left.set(blocks.get),
        doWhile(
          [
            bytes.set(v128.load(vectors.get)),
            add(i16x8.extendLowI8x16S(bytes.get), 0),
            add(i16x8.extendHighI8x16S(bytes.get), LANES),
            vectors.set(i32.add(vectors.get, i32.const(LANES))),
            at.set(i32.add(at.get, i32.const(2 * LANES))),
            left.set(i32.sub(left.get, i32.const(1))),
          ],
          left.get,
        ),
        i32.store(results.get, across),
        results.set(i32.add(results.get, i32.const(4))),
        count.set(i32.sub(count.get, i32.const(1))),
      ],
      count.get,
    );
  },
);

type Products = (vectors: number, query: number, results: number, count: number, blocks: number) => void;

/**
 * Vectors of length 1 in signed bytes, side by side, whose products with a query are computed eight columns at a time.
 * The query has 16 bits a column, so that a product is as exact as the bytes are.
 */
export class VectorTable {
  /** Number of vectors. */
  count = 0;
  readonly #blocks: number;
  readonly #memory: WebAssembly.Memory;
  readonly #products: Products;

  /**
   * @param width columns of a vector
   * @param most maximum number of vectors
   */
  constructor(
    readonly width: number,
    readonly most: number,
  ) {
    this.#blocks = Math.ceil(width / LANES);
    const pages = Math.ceil(this.#resultsAt(most) / PAGE) + Math.ceil((4 * most) / PAGE);
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
    const module = new WebAssembly.Module(assemble([products], pages));
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#products = exports['products'] as Products;
  }

  get #stride(): number {
    return this.#blocks * LANES;
  }

  /** The query comes first, then the vectors, then room for their products. */
  #vectorAt(index: number): number {
    return 2 * this.#stride + index * this.#stride;
  }

  #resultsAt(count: number): number {
    return this.#vectorAt(count);
  }

  /** Appends vectors, row after row. Returns the index of the first one; undefined when there is no room for all. */
  append(vectors: Int8Array): number | undefined {
    const { width } = this;
    const added = vectors.length / width;
    if (this.count + added > this.most) return undefined;
    this.#reserve(this.#vectorAt(this.count + added));
    const bytes = new Int8Array(this.#memory.buffer);
    for (let i = 0; i < added; i++)
      bytes.set(vectors.subarray(i * width, (i + 1) * width), this.#vectorAt(this.count + i));
    this.count += added;
    return this.count - added;
  }

  /** Cosine (−1…1) of each vector with a query of length 1. */
  cosines(query: Float32Array): Float32Array {
    const { count } = this;
    const cosines = new Float32Array(count);
    if (count === 0) return cosines;
    const results = this.#resultsAt(count);
    this.#reserve(results + 4 * count);
    const halves = new Int16Array(this.#memory.buffer, 0, this.#stride);
    halves.fill(0);
    for (let i = 0; i < this.width; i++) halves[i] = Math.round((query[i] as number) * QUERY_SCALE);
    this.#products(this.#vectorAt(0), 0, results, count, this.#blocks);
    const whole = new Int32Array(this.#memory.buffer, results, count);
    for (let i = 0; i < count; i++) cosines[i] = (whole[i] as number) / (BYTE_SCALE * QUERY_SCALE);
    return cosines;
  }

  clear(): void {
    this.count = 0;
  }

  #reserve(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    // A third more than needed, so that vectors which come one by one do not grow the memory each time.
    if (missing > 0) this.#memory.grow(Math.min(this.#room(), Math.ceil((missing + bytes / 3) / PAGE)));
  }

  /** Pages that the memory may still grow by. */
  #room(): number {
    const pages = Math.ceil(this.#resultsAt(this.most) / PAGE) + Math.ceil((4 * this.most) / PAGE);
    return pages - this.#memory.buffer.byteLength / PAGE;
  }
}
