import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SentenceEncoder } from '../../../src/engine';

/** Number of texts encoded together: few enough to store often. */
const BATCH = 64;
const SCALE = 127;

/** The peer's vectors of passages. They are stored, because the peer encodes whole collections. */
export class StoredSentences {
  private readonly known = new Map<string, Int8Array>();

  private constructor(
    private readonly encoder: SentenceEncoder,
    private readonly file: string,
  ) {}

  static async open(directory: string, file: string): Promise<StoredSentences> {
    const opened = new StoredSentences(await SentenceEncoder.open(directory), file);
    mkdirSync(dirname(file), { recursive: true });
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    const record = 20 + opened.encoder.width;
    for (let at = 0; at + record <= bytes.length; at += record)
      opened.known.set(
        bytes.toString('hex', at, at + 20),
        new Int8Array(bytes.buffer, bytes.byteOffset + at + 20, opened.encoder.width),
      );
    return opened;
  }

  async vectors(texts: readonly string[]): Promise<Int8Array[]> {
    const keys = texts.map((text) => createHash('sha1').update(text).digest('hex'));
    const missing = [...new Set(keys.keys())].filter((i) => !this.known.has(keys[i] as string));
    for (let from = 0; from < missing.length; from += BATCH) {
      const batch = missing.slice(from, from + BATCH);
      const made = await this.encoder.encode(batch.map((i) => texts[i] as string));
      const { width } = this.encoder;
      for (const [n, i] of batch.entries()) {
        const vector = Int8Array.from(made.subarray(n * width, (n + 1) * width), (value) => Math.round(value * SCALE));
        this.known.set(keys[i] as string, vector);
        appendFileSync(this.file, Buffer.concat([Buffer.from(keys[i] as string, 'hex'), Buffer.from(vector.buffer)]));
      }
    }
    return keys.map((key) => this.known.get(key) as Int8Array);
  }

  /** Similarities (−1…1) of the texts with a question. */
  async similarities(question: string, texts: readonly string[]): Promise<number[]> {
    const [asked] = await this.vectors([question]);
    return (await this.vectors(texts)).map(
      (vector) => vector.reduce((sum, value, i) => sum + value * (asked?.[i] ?? 0), 0) / SCALE ** 2,
    );
  }

  close(): Promise<void> {
    return this.encoder.close();
  }
}
