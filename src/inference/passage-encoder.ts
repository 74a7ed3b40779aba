import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ENCODER_FILE, SentenceEncoder } from '../engine';

/** Longest passage. A sentence encoder reads 256 tokens, about this many characters of code. */
const PASSAGE = { lines: 40, characters: 1_000 };

/** Embeds texts passage by passage with a sentence encoder, into signed bytes. */
export class PassageEncoder {
  private constructor(
    private readonly encoder: SentenceEncoder,
    /** sha256 (hex) of the compiled encoder: other weights give other vectors. */
    readonly digest: string,
  ) {}

  /** Opens the compiled encoder of a folder; undefined when the folder has none. @throws CheckpointError */
  static async open(directory: string, threads: number | undefined): Promise<PassageEncoder | undefined> {
    const file = join(directory, ENCODER_FILE);
    if (!(await stat(file).catch(() => undefined))?.isFile()) return undefined;
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return new PassageEncoder(await SentenceEncoder.open(directory, { threads }), digest);
  }

  /** Numbers of a vector. */
  get width(): number {
    return this.encoder.width;
  }

  /** Vectors of each text's passages: signed bytes [passages, width], row-major; 127 stands for 1. */
  async encode(texts: readonly string[], signal?: AbortSignal): Promise<Uint8Array[]> {
    const cut = texts.map(passagesOf);
    const vectors = await this.encoder.encode(cut.flat(), { signal });
    let at = 0;
    return cut.map((passages) => {
      const own = vectors.subarray(at, (at += passages.length * this.width));
      return new Uint8Array(Int8Array.from(own, (value) => Math.round(value * 127)).buffer);
    });
  }

  /** Vector of a question, of length 1. */
  embed(question: string): Promise<Float32Array> {
    return this.encoder.encode([question]);
  }

  /** Vectors of short texts, of length 1, one for each. */
  async sentences(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    const vectors = await this.encoder.encode(texts, { signal });
    return texts.map((_, i) => vectors.slice(i * this.width, (i + 1) * this.width));
  }

  close(): Promise<void> {
    return this.encoder.close();
  }
}

/** Cuts a text at line ends into passages of similar length; a blank text has none. */
export function passagesOf(text: string): string[] {
  const passages: string[] = [];
  let lines: string[] = [];
  let characters = 0;
  const end = (): void => {
    const passage = lines.join('\n').trim();
    if (passage !== '') passages.push(passage);
    lines = [];
    characters = 0;
  };
  for (const line of text.split('\n')) {
    if (lines.length >= PASSAGE.lines || (characters > 0 && characters + line.length > PASSAGE.characters)) end();
    lines.push(line);
    characters += line.length + 1;
  }
  end();
  return passages;
}
