import { ByteReader, ByteWriter } from './growable';

/**
 * The dictionary section of a pack: terms in order, front-coded in blocks, each with the size of its postings. Memory
 * has the same bytes as the disk, about ten for each term. A lookup is a binary search over the blocks' first terms,
 * then a scan of one block.
 *
 *     varint blocks, then for each block: varint bytes, varint bytes of postings; then the blocks.
 *     block entry: varint shared bytes, varint further bytes, the bytes, varint postings, varint bytes of postings
 */
const BLOCK = 16;

export interface TermEntry {
  term: string;
  /** Number of postings. */
  count: number;
  /** Offset in the postings section. */
  offset: number;
  length: number;
}

/** Writes terms in the order of UTF-16 units, as JavaScript compares strings. */
export class DictionaryWriter {
  private readonly blocks = new ByteWriter();
  private readonly index = new ByteWriter();
  private blockCount = 0;
  private inBlock = 0;
  private blockStart = 0;
  private blockPostings = 0;
  private previous: Uint8Array = new Uint8Array(0);

  /** Adds a term. Terms must be in ascending order, and their postings contiguous. */
  add(term: string, count: number, postingBytes: number): void {
    if (this.inBlock === BLOCK) this.closeBlock();
    const bytes = Buffer.from(term, 'utf8');
    const shared = this.inBlock === 0 ? 0 : commonPrefix(this.previous, bytes);
    this.blocks.varint(shared);
    this.blocks.varint(bytes.length - shared);
    this.blocks.bytes(bytes.subarray(shared));
    this.blocks.varint(count);
    this.blocks.varint(postingBytes);
    this.previous = bytes;
    this.blockPostings += postingBytes;
    this.inBlock++;
  }

  private closeBlock(): void {
    this.index.varint(this.blocks.length - this.blockStart);
    this.index.varint(this.blockPostings);
    this.blockCount++;
    this.inBlock = 0;
    this.blockStart = this.blocks.length;
    this.blockPostings = 0;
  }

  finish(): Uint8Array {
    if (this.inBlock > 0) this.closeBlock();
    const out = new ByteWriter(this.blocks.length + this.index.length + 8);
    out.varint(this.blockCount);
    out.bytes(this.index.view());
    out.bytes(this.blocks.view());
    return out.view();
  }
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let i = 0;
  while (i < limit && a[i] === b[i]) i++;
  return i;
}

export class Dictionary {
  private readonly blockStart: Uint32Array;
  private readonly postingStart: Float64Array;

  /** @throws RangeError when the bytes are not a valid dictionary */
  constructor(private readonly bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    const blocks = reader.varint();
    if (blocks > bytes.length) throw new RangeError('blocks out of range');
    this.blockStart = new Uint32Array(blocks + 1);
    this.postingStart = new Float64Array(blocks + 1);
    for (let b = 0; b < blocks; b++) {
      this.blockStart[b + 1] = (this.blockStart[b] as number) + reader.varint();
      this.postingStart[b + 1] = (this.postingStart[b] as number) + reader.varint();
    }
    for (let b = 0; b <= blocks; b++) this.blockStart[b] = (this.blockStart[b] as number) + reader.position;
    if ((this.blockStart[blocks] as number) !== bytes.length) throw new RangeError('blocks do not fill the dictionary');
  }

  get memoryBytes(): number {
    return this.bytes.length + this.blockStart.byteLength + this.postingStart.byteLength;
  }

  find(term: string): TermEntry | undefined {
    let low = 0;
    let high = this.blockStart.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firstTerm(middle) <= term) low = middle;
      else high = middle - 1;
    }
    if (high < 0) return undefined;
    for (const entry of this.block(low)) {
      if (entry.term === term) return entry;
      if (entry.term > term) return undefined;
    }
    return undefined;
  }

  private firstTerm(block: number): string {
    const reader = new ByteReader(this.bytes, this.blockStart[block] as number);
    reader.varint();
    return reader.string();
  }

  private *block(block: number): IterableIterator<TermEntry> {
    const end = this.blockStart[block + 1] as number;
    const reader = new ByteReader(this.bytes, this.blockStart[block] as number, end);
    let offset = this.postingStart[block] as number;
    let previous = Buffer.alloc(0);
    while (reader.position < end) {
      const shared = reader.varint();
      const rest = reader.bytes(reader.varint());
      if (shared > previous.length) throw new RangeError('shared prefix out of range');
      previous = Buffer.concat([previous.subarray(0, shared), rest]);
      const count = reader.varint();
      const length = reader.varint();
      yield { term: previous.toString('utf8'), count, offset, length };
      offset += length;
    }
  }

  /** Yields all terms in order. */
  *entries(): IterableIterator<TermEntry> {
    for (let block = 0; block + 1 < this.blockStart.length; block++) yield* this.block(block);
  }
}
