import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelConfig } from '../../checkpoint/types';
import type { CompiledWeights } from '../compiled';
import type { WeightFormat } from '../options';
import { WEIGHTS_FILE, type StoredTensor } from '../weight-file';
import { BLOCK, blocksOf, ZERO_LEVEL } from '../quantize';
import { EMBEDDING_FORMAT, headFormat, headMatrix, layerMatrices, tokenFormat, type MatrixPlan } from '../weights';
import { GROUP } from './layout';
import type { KernelMemory } from './kernel-memory';
import { packedBytes, packRows, rowSizes, type RoundedRows } from './packing';

/** The formats that the kernels read. */
export type RoundedFormat = Exclude<WeightFormat, 'f32'>;

/** Bytes of levels read at once; a group of rows fits. Scales are at most a quarter of that. */
export const STAGED_BYTES = 4 << 20;

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
  /** Memory for a band of rounded rows, shared by all bands of all matrices. */
  #staged: Omit<RoundedRows, 'count'> | undefined;

  constructor(compiled: CompiledWeights) {
    this.#compiled = compiled;
    this.#file = 'data' in compiled.source ? undefined : openSync(join(compiled.source.directory, WEIGHTS_FILE), 'r');
  }

  /** Packs a matrix; returns its address. */
  matrix({ plan, bits }: StepMatrix, memory: KernelMemory): number {
    const at = memory.allocate(packedBytes(plan.outputs, plan.inputs, bits));
    const name = `${plan.name}.${bits}bit`;
    const row = rowSizes(plan.inputs, bits);
    this.#staged ??= { levels: memory.allocate(STAGED_BYTES), scales: memory.allocate(STAGED_BYTES / 4) };
    const { levels, scales } = this.#staged;
    const step = Math.floor(STAGED_BYTES / row.levels / GROUP) * GROUP;
    for (let from = 0; from < plan.outputs; from += step) {
      const count = Math.min(step, plan.outputs - from);
      this.#read(name, from * row.levels, memory.bytes(levels, count * row.levels));
      this.#read(`${name}.scales`, from * row.scales, memory.bytes(scales, count * row.scales));
      packRows(memory, { levels, scales, count }, bits, plan.inputs, at + packedBytes(from, plan.inputs, bits));
    }
    return at;
  }

  /** A vector of f32. */
  vector(name: string, memory: KernelMemory): number {
    const values = new Uint8Array(this.#tensor(name).byteLength);
    this.#read(name, 0, values);
    const at = memory.allocate(values.length);
    memory.bytes(at, values.length).set(values);
    return at;
  }

  /** The embedding of a token, times a factor. */
  embedding(token: number, into: Float32Array, factor = 1): void {
    const blocks = blocksOf(into.length);
    const levels = new Uint8Array(blocks * BLOCK);
    const scales = new Float32Array(blocks);
    const name = `embeddings.${EMBEDDING_FORMAT}`;
    this.#read(name, token * levels.length, levels);
    this.#read(`${name}.scales`, token * scales.byteLength, new Uint8Array(scales.buffer));
    for (let i = 0; i < into.length; i++)
      into[i] = ((levels[i] as number) - ZERO_LEVEL) * (scales[Math.floor(i / BLOCK)] as number) * factor;
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
