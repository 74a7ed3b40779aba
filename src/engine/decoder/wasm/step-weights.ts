import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHalf } from '../../kv-cache/float16';
import type { ModelConfig } from '../../checkpoint/types';
import type { CompiledWeights } from '../compiled';
import type { WeightFormat } from '../options';
import { blocksOf, BLOCK } from '../quantize';
import { WEIGHTS_FILE, type StoredTensor } from '../weight-file';
import { headFormat, headMatrix, layerMatrices, tokenFormat, type MatrixPlan } from '../weights';
import { GROUP } from './layout';
import type { KernelMemory } from './kernel-memory';
import { packedBytes, packRows } from './packing';

/** The formats that the kernels read. */
export type RoundedFormat = Exclude<WeightFormat, 'f32'>;

/** Bytes of levels read at once. */
const READ_BYTES = 1 << 20;

/** A matrix that a token is multiplied with, and its bits. */
export interface StepMatrix {
  plan: MatrixPlan;
  bits: 4 | 8;
}

const bitsOf = (format: WeightFormat) => (format === '4bit' ? 4 : 8);

export function stepMatrices(
  config: ModelConfig,
  weights: RoundedFormat,
): { layers: Record<keyof ReturnType<typeof layerMatrices>, StepMatrix>[]; head: StepMatrix } {
  const layers = Array.from({ length: config.layers }, (_, layer) => {
    const bits = bitsOf(tokenFormat(config, layer, weights));
    const { qkv, output, gateUp, down } = layerMatrices(config, layer);
    return {
      qkv: { plan: qkv, bits },
      output: { plan: output, bits },
      gateUp: { plan: gateUp, bits },
      down: { plan: down, bits },
    } as const;
  });
  return { layers, head: { plan: headMatrix(config), bits: bitsOf(headFormat(weights)) } };
}

/** Reads compiled weights, from their file or from memory, in the order of the kernels. */
export class StepWeights {
  readonly #compiled: CompiledWeights;
  readonly #file: number | undefined;
  readonly #buffers = { levels: new Uint8Array(0), scales: new Uint8Array(0) };

  constructor(compiled: CompiledWeights) {
    this.#compiled = compiled;
    this.#file = 'data' in compiled.source ? undefined : openSync(join(compiled.source.directory, WEIGHTS_FILE), 'r');
  }

  /** Packs a matrix; returns its address. */
  matrix({ plan, bits }: StepMatrix, memory: KernelMemory): number {
    const size = packedBytes(plan.outputs, plan.inputs, bits);
    const at = memory.allocate(size);
    const packed = memory.bytes(at, size);
    const name = `${plan.name}.${bits}bit`;
    const rowBytes = (blocksOf(plan.inputs) * BLOCK * bits) / 8;
    const rowScales = blocksOf(plan.inputs) * 4;
    const rows = Math.min(plan.outputs, Math.max(GROUP, Math.floor(READ_BYTES / rowBytes / GROUP) * GROUP));
    const { levels, scales } = this.#room(rows * rowBytes, rows * rowScales);
    for (let from = 0; from < plan.outputs; from += rows) {
      const count = Math.min(rows, plan.outputs - from);
      this.#read(name, from * rowBytes, levels.subarray(0, count * rowBytes));
      this.#read(`${name}.scales`, from * rowScales, scales.subarray(0, count * rowScales));
      packRows(
        new Uint32Array(levels.buffer, 0, (count * rowBytes) / 4),
        new Float32Array(scales.buffer, 0, (count * rowScales) / 4),
        bits,
        plan.inputs,
        from,
        packed,
      );
    }
    return at;
  }

  /**
   * Buffers for reading, shared by all bands of all matrices. Fresh ones left garbage of a third of the weights' size.
   */
  #room(levels: number, scales: number): { levels: Uint8Array; scales: Uint8Array } {
    if (this.#buffers.levels.length < levels) this.#buffers.levels = new Uint8Array(levels);
    if (this.#buffers.scales.length < scales) this.#buffers.scales = new Uint8Array(scales);
    return this.#buffers;
  }

  /** A vector of f32. */
  vector(name: string, memory: KernelMemory): number {
    const values = new Uint8Array(this.#tensor(name).byteLength);
    this.#read(name, 0, values);
    const at = memory.allocate(values.length);
    memory.bytes(at, values.length).set(values);
    return at;
  }

  /** The embedding of a token. */
  embedding(token: number, into: Float32Array): void {
    const row = new Uint16Array(into.length);
    this.#read('embeddings', token * row.byteLength, new Uint8Array(row.buffer));
    decodeHalf(row, into);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #tensor(name: string): StoredTensor {
    const tensor = this.#compiled.stored[name];
    if (!tensor) throw new Error(`the compiled weights lack ${name}`);
    return tensor;
  }

  /** Fills `into` with bytes of a tensor. */
  #read(name: string, from: number, into: Uint8Array): void {
    const { offset, byteLength } = this.#tensor(name);
    if (from + into.length > byteLength)
      throw new Error(`${name}: ${byteLength} bytes where ${from + into.length} are needed`);
    if ('data' in this.#compiled.source) {
      into.set(this.#compiled.source.data.subarray(offset + from, offset + from + into.length));
      return;
    }
    for (let done = 0; done < into.length;) {
      const count = readSync(this.#file as number, into, done, into.length - done, offset + from + done);
      if (count === 0) throw new Error(`${name}: the compiled weights end early`);
      done += count;
    }
  }
}
