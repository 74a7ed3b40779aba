import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { ElementType, ExternalData } from './onnx/graph-builder';
import { WeightChecksums } from './checksums';
import { DecoderError } from './errors';

/** A tensor of the compiled weights. */
export interface StoredTensor extends ExternalData {
  type: ElementType;
  shape: readonly number[];
}

export type StoredTensors = Readonly<Record<string, StoredTensor>>;

/** Tensors begin on page boundaries, so that the runtime can map them. */
const ALIGNMENT = 4096;
export const WEIGHTS_FILE = 'weights.bin';

/** Target of compiled tensors, which are appended one after the other. */
export abstract class WeightWriter {
  readonly tensors: Record<string, StoredTensor> = {};
  #end = 0;
  #current: StoredTensor | undefined;

  /** Begins a tensor. Its bytes follow in any number of `append` calls. */
  async begin(name: string, type: ElementType, shape: readonly number[]): Promise<void> {
    const padding = (ALIGNMENT - (this.#end % ALIGNMENT)) % ALIGNMENT;
    if (padding > 0) await this.#put(new Uint8Array(padding));
    this.#current = { type, shape: [...shape], location: WEIGHTS_FILE, offset: this.#end, byteLength: 0 };
    this.tensors[name] = this.#current;
  }

  async append(data: ArrayBufferView): Promise<void> {
    if (!this.#current) throw new Error('append before begin');
    await this.#put(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#current.byteLength += data.byteLength;
  }

  async add(name: string, type: ElementType, shape: readonly number[], data: ArrayBufferView): Promise<void> {
    await this.begin(name, type, shape);
    await this.append(data);
  }

  /** Names the bytes of a complete tensor once more. */
  share(name: string, of: string): void {
    const tensor = this.tensors[of];
    if (!tensor) throw new Error(`there is no ${of} to share`);
    this.tensors[name] = tensor;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    await this.write(bytes);
    this.#end += bytes.length;
  }

  protected abstract write(bytes: Uint8Array): Promise<void>;
}

export class FileWeightWriter extends WeightWriter {
  /** Checksum of the bytes before writing, so that damage on the way to the disk is noticed when they are read. */
  readonly checksums = new WeightChecksums();
  readonly #file: FileHandle;
  readonly #path: string;

  private constructor(file: FileHandle, path: string) {
    super();
    this.#file = file;
    this.#path = path;
  }

  static async create(path: string): Promise<FileWeightWriter> {
    return new FileWeightWriter(await open(path, 'wx'), path);
  }

  protected async write(bytes: Uint8Array): Promise<void> {
    this.checksums.add(bytes);
    try {
      let done = 0;
      while (done < bytes.length) done += (await this.#file.write(bytes, done)).bytesWritten;
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }

  /** Waits until the bytes are on disk. */
  async finish(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export class MemoryWeightWriter extends WeightWriter {
  readonly #parts: Uint8Array[] = [];

  protected write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes.slice());
    return Promise.resolve();
  }

  data(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

export function unwritable(path: string, cause: unknown): DecoderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DecoderError(
    'cacheUnwritable',
    `${path}: the compiled model cannot be written (${reason}); free some disk space or choose another folder`,
    { cause },
  );
}
