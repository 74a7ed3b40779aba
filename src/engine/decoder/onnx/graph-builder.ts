/**
 * A small builder of ONNX models (onnx.proto, IR version 10). Values are named by strings. `node` returns the names of
 * its outputs, so that a graph reads like the formula it computes.
 */

import { ProtoWriter } from './protobuf';

/** Element types, with their codes in onnx.proto (TensorProto.DataType). */
export const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof elementTypes;

/** Bytes of one element. */
export const elementBytes: Record<ElementType, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
};

/** A fixed size, or the name of a size that is known when the graph runs. */
export type Dimension = number | string;

/** Where an initializer's bytes lie in a file beside the model. */
export interface ExternalData {
  /** File name, relative to the folder of the model. */
  location: string;
  offset: number;
  byteLength: number;
}

export type Attribute = number | { float: number } | string | readonly number[];

export interface NodeOptions {
  /** '' for the standard operators, 'com.microsoft' for ONNX Runtime's. */
  domain?: '' | 'com.microsoft';
  attributes?: Readonly<Record<string, Attribute>>;
  /** Number of outputs, or their names ('' leaves one out). */
  outputs?: number | readonly string[];
}

const IR_VERSION = 10;
const OPSET = 21;

export class GraphBuilder {
  readonly #nodes: ProtoWriter[] = [];
  readonly #initializers = new Map<string, ProtoWriter>();
  readonly #inputs: ProtoWriter[] = [];
  readonly #outputs: ProtoWriter[] = [];
  readonly #constants = new Map<string, string>();
  #names = 0;

  constructor(readonly name: string) {}

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Declares `value` an output of the graph, under its own name. */
  output(value: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(value, type, shape));
  }

  /** Adds a node; an empty input name leaves an optional input out. Returns the names of its outputs. */
  nodes(type: string, inputs: readonly string[], options: NodeOptions = {}): string[] {
    const id = this.#names++;
    const asked = options.outputs ?? 1;
    const outputs =
      typeof asked === 'number' ? Array.from({ length: asked }, (_, i) => `${type}_${id}_${i}`) : [...asked];
    const node = new ProtoWriter();
    for (const input of inputs) node.string(1, input);
    for (const output of outputs) node.string(2, output);
    node.string(3, `${type}_${id}`).string(4, type);
    for (const [name, value] of Object.entries(options.attributes ?? {})) node.message(5, attribute(name, value));
    if (options.domain) node.string(7, options.domain);
    this.#nodes.push(node);
    return outputs;
  }

  /** `nodes` for the common case of one output. */
  node(type: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return first(this.nodes(type, inputs, options));
  }

  /** An operator of ONNX Runtime's own domain, with one output. */
  ms(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.node(type, inputs, { domain: 'com.microsoft', attributes });
  }

  /** A constant whose bytes (little-endian, row-major) are kept in the model itself. */
  initializer(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): string {
    const expected = shape.reduce((a, b) => a * b, elementBytes[type]);
    if (data.length !== expected) throw new RangeError(`${name}: ${data.length} bytes for ${expected}`);
    if (!this.#initializers.has(name)) this.#initializers.set(name, tensor(name, type, shape).bytes(9, data));
    return name;
  }

  /** A constant whose bytes lie in a file that is mapped into memory when the model is opened. */
  external(name: string, type: ElementType, shape: readonly number[], data: ExternalData): string {
    const expected = shape.reduce((a, b) => a * b, elementBytes[type]);
    if (data.byteLength !== expected) throw new RangeError(`${name}: ${data.byteLength} bytes for ${expected}`);
    if (this.#initializers.has(name)) return name;
    const proto = tensor(name, type, shape);
    const entries = { location: data.location, offset: String(data.offset), length: String(data.byteLength) };
    for (const [key, value] of Object.entries(entries)) {
      proto.message(13, new ProtoWriter().string(1, key).string(2, value));
    }
    this.#initializers.set(name, proto.integer(14, 1));
    return name;
  }

  /** A one-dimensional int64 constant (shapes, axes, split sizes); equal ones are shared. */
  int64s(values: readonly number[]): string {
    return this.#constant('i64', values, 'int64', [values.length]);
  }

  int64(value: number): string {
    return this.#constant('i', [value], 'int64', []);
  }

  float(value: number): string {
    return this.#constant('f', [value], 'float32', []);
  }

  reshape(value: string, shape: readonly number[]): string {
    return this.node('Reshape', [value, this.int64s(shape)]);
  }

  transpose(value: string, permutation: readonly number[]): string {
    return this.node('Transpose', [value], { attributes: { perm: permutation } });
  }

  concat(values: readonly string[], axis: number): string {
    return values.length === 1 ? first(values) : this.node('Concat', values, { attributes: { axis } });
  }

  split(value: string, sizes: readonly number[], axis: number): string[] {
    return this.nodes('Split', [value, this.int64s(sizes)], { attributes: { axis }, outputs: sizes.length });
  }

  cast(value: string, to: ElementType): string {
    return this.node('Cast', [value], { attributes: { to: elementTypes[to] } });
  }

  /** The serialized ModelProto. */
  build(): Uint8Array {
    const graph = new ProtoWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, this.name);
    for (const initializer of this.#initializers.values()) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    return new ProtoWriter()
      .integer(1, IR_VERSION)
      .string(2, 'anchorage')
      .message(7, graph)
      .message(8, new ProtoWriter().string(1, '').integer(2, OPSET))
      .message(8, new ProtoWriter().string(1, 'com.microsoft').integer(2, 1))
      .finish();
  }

  #constant(kind: string, values: readonly number[], type: 'int64' | 'float32', shape: readonly number[]): string {
    const key = `${kind}:${values.join(',')}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      const bytes = type === 'int64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
      name = this.initializer(`constant_${this.#constants.size}`, type, shape, new Uint8Array(bytes.buffer));
      this.#constants.set(key, name);
    }
    return name;
  }
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): ProtoWriter {
  const dims = new ProtoWriter();
  for (const size of shape) {
    const dim = new ProtoWriter();
    dims.message(1, typeof size === 'number' ? dim.integer(1, size) : dim.string(2, size));
  }
  const tensorType = new ProtoWriter().integer(1, elementTypes[type]).message(2, dims);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensorType));
}

function tensor(name: string, type: ElementType, shape: readonly number[]): ProtoWriter {
  return new ProtoWriter().integers(1, shape).integer(2, elementTypes[type]).string(8, name);
}

/** AttributeProto: the value's field and the type's code go together. */
function attribute(name: string, value: Attribute): ProtoWriter {
  const proto = new ProtoWriter().string(1, name);
  if (typeof value === 'number') return proto.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return proto.string(4, value).integer(20, 3);
  if ('float' in value) return proto.float(2, value.float).integer(20, 1);
  return proto.integers(8, value).integer(20, 7);
}

function first(values: readonly string[]): string {
  const value = values[0];
  if (value === undefined) throw new RangeError('no value');
  return value;
}
