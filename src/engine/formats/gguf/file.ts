import { asCheckpointError } from '../../checkpoint/errors';
import { RangedFile } from '../ranged-file';
import type { WeightFile } from '../tensor-source';
import { readGgufHeader, type GgufHeader, type GgufTensor } from './header';
import type { MetadataValue } from './metadata-reader';

/** One .gguf file, open for ranged reads. Only its header is held in memory. */
export class GgufFile implements WeightFile {
  private constructor(
    private readonly file: RangedFile,
    private readonly contents: GgufHeader,
  ) {}

  /** @throws CheckpointError naming the file and the field */
  static async open(path: string): Promise<GgufFile> {
    const file = await RangedFile.open(path);
    try {
      return new GgufFile(file, await readGgufHeader(file));
    } catch (error) {
      await file.close();
      throw asCheckpointError(error, path);
    }
  }

  get path(): string {
    return this.file.path;
  }

  get size(): number {
    return this.file.size;
  }

  get header(): Uint8Array {
    return this.contents.bytes;
  }

  get dataStart(): number {
    return this.contents.dataStart;
  }

  get metadata(): ReadonlyMap<string, MetadataValue> {
    return this.contents.metadata;
  }

  get tensors(): ReadonlyMap<string, GgufTensor> {
    return this.contents.tensors;
  }

  /** @throws CheckpointError `changed` when the file is no longer the one that was opened */
  readBytes(offset: number, target: Uint8Array): Promise<void> {
    return this.file.readBytes(offset, target);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
