import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PassageEncoder } from '../../../src/inference/passage-encoder';

const DIGEST_BYTES = 16;
/** Texts encoded between two writes. */
const BATCH = 64;

/** Passage vectors of texts, kept in a file by content, so that a bench encodes each text once. */
export class PassageVectors {
  private readonly known = new Map<string, Int8Array>();

  private constructor(
    private readonly file: string,
    private readonly encoder: PassageEncoder,
  ) {}

  static async open(folder: string, file: string, threads: number): Promise<PassageVectors> {
    const encoder = await PassageEncoder.open(folder, threads);
    if (!encoder) throw new Error(`${folder} has no sentence encoder. npm run build makes it.`);
    const vectors = new PassageVectors(`${file}-${encoder.digest.slice(0, 8)}.bin`, encoder);
    vectors.load();
    return vectors;
  }

  get(text: string): Int8Array | undefined {
    return this.known.get(digestOf(text));
  }

  embed(question: string): Promise<Float32Array> {
    return this.encoder.embed(question);
  }

  /** Encodes the texts that are not known yet, for at most `seconds`. Returns how many are left. */
  async encode(texts: readonly string[], seconds = Infinity): Promise<number> {
    const missing = [...new Map(texts.map((text) => [digestOf(text), text]))].filter(([key]) => !this.known.has(key));
    const end = performance.now() + seconds * 1000;
    let done = 0;
    for (; done < missing.length && performance.now() < end; done += BATCH) {
      const batch = missing.slice(done, done + BATCH);
      const made = await this.encoder.encode(batch.map(([, text]) => text));
      const records = batch.map(([key], i) => {
        const vector = made[i] as Uint8Array;
        this.known.set(key, new Int8Array(vector.buffer, vector.byteOffset, vector.length));
        const size = Buffer.alloc(4);
        size.writeUInt32LE(vector.length);
        return Buffer.concat([Buffer.from(key, 'hex'), size, vector]);
      });
      appendFileSync(this.file, Buffer.concat(records));
    }
    return Math.max(0, missing.length - done);
  }

  close(): Promise<void> {
    return this.encoder.close();
  }

  private load(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    if (!existsSync(this.file)) return;
    const bytes = readFileSync(this.file);
    for (let at = 0; at + DIGEST_BYTES + 4 <= bytes.length;) {
      const key = bytes.toString('hex', at, at + DIGEST_BYTES);
      const size = bytes.readUInt32LE(at + DIGEST_BYTES);
      at += DIGEST_BYTES + 4;
      if (at + size > bytes.length) break;
      this.known.set(key, Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + at, size)));
      at += size;
    }
  }
}

const digestOf = (text: string): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, 2 * DIGEST_BYTES);
