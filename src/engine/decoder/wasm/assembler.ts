/**
 * A small assembler of WebAssembly modules: the instructions that the kernels use, with vectors, relaxed vectors and
 * threads. Code is a nested list of bytes. An instruction is a function of its operands, so that a kernel reads like
 * the formula it computes.
 */

export type Code = readonly (number | Code)[];

export const valueTypes = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
export type ValueType = keyof typeof valueTypes;

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const last = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

function flatten(code: Code, into: number[]): number[] {
  for (const part of code) {
    if (typeof part === 'number') into.push(part);
    else flatten(part, into);
  }
  return into;
}

function float32Bytes(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

const memory =
  (opcode: Code, align: number) =>
  (address: Code, offset = 0): Code => [address, opcode, unsigned(align), unsigned(offset)];
const store =
  (opcode: Code, align: number) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, unsigned(align), unsigned(offset)];
const binary =
  (...opcode: number[]) =>
  (a: Code, b: Code): Code => [a, b, opcode];
const unary =
  (...opcode: number[]) =>
  (a: Code): Code => [a, opcode];
/** Instructions behind the vector prefix. */
const vector = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

export const i32 = {
  const: (value: number): Code => [0x41, signed(value)],
  load: memory([0x28], 2),
  store: store([0x36], 2),
  atomicLoad: memory([0xfe, 0x10], 2),
  /** Leaves the old value. */
  atomicAdd: store([0xfe, 0x1e], 2),
  eqz: unary(0x45),
  eq: binary(0x46),
  ltU: binary(0x49),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  shrU: binary(0x76),
  /** The bits of an f32. */
  reinterpretF32: unary(0xbc),
  truncSatF32U: unary(0xfc, 0x01),
};

/** Sleeps while the i32 at the address is `expected`, without a time limit; leaves a reason. */
export const wait32 = (address: Code, expected: Code): Code => [address, expected, 0x42, signed(-1), 0xfe, 0x01, 2, 0];

export const f32 = {
  const: (value: number): Code => [0x43, float32Bytes(value)],
  load: memory([0x2a], 2),
  store: store([0x38], 2),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  nearest: unary(0x90),
  min: binary(0x96),
  max: binary(0x97),
  gt: binary(0x5e),
  neg: unary(0x8c),
  convertI32S: unary(0xb2),
  reinterpretI32: unary(0xbe),
};

const splatBytes = (width: 1 | 4, value: number): number[] =>
  Array.from({ length: 16 / width }, () =>
    width === 1 ? [value & 255] : [...new Uint8Array(Int32Array.of(value).buffer)],
  ).flat();

export const v128 = {
  load: memory(vector(0x00), 0),
  load32Splat: memory(vector(0x09), 0),
  store: store(vector(0x0b), 0),
  zero: [vector(0x0c), Array<number>(16).fill(0)] as Code,
  and: binary(...vector(0x4e)),
  or: binary(...vector(0x50)),
  xor: binary(...vector(0x51)),
  /** Bits of `a` where `mask` is set, else those of `b`. */
  select: (a: Code, b: Code, mask: Code): Code => [a, b, mask, vector(0x52)],
};

export const i8x16 = {
  const: (value: number): Code => [vector(0x0c), splatBytes(1, value)],
  shuffle: (a: Code, b: Code, lanes: readonly number[]): Code => [a, b, vector(0x0d), lanes],
  neg: unary(...vector(0x61)),
  narrowI16x8S: binary(...vector(0x65)),
  narrowI16x8U: binary(...vector(0x66)),
  maxS: binary(...vector(0x78)),
};

export const i16x8 = {
  extaddPairwiseI8x16S: unary(...vector(0x7c)),
  extendLowI8x16S: unary(...vector(0x87)),
  extendHighI8x16S: unary(...vector(0x88)),
  narrowI32x4S: binary(...vector(0x85)),
  narrowI32x4U: binary(...vector(0x86)),
  shrU: binary(...vector(0x8d)),
};

export const i32x4 = {
  const: (value: number): Code => [vector(0x0c), splatBytes(4, value)],
  extractLane: (a: Code, lane: number): Code => [a, vector(0x1b), lane],
  extaddPairwiseI16x8S: unary(...vector(0x7e)),
  gtS: binary(...vector(0x3b)),
  shl: binary(...vector(0xab)),
  shrU: binary(...vector(0xad)),
  add: binary(...vector(0xae)),
  sub: binary(...vector(0xb1)),
  /** Products of 16-bit lanes, added by pairs. */
  dotI16x8S: binary(...vector(0xba)),
  truncSatF32x4S: unary(...vector(0xf8)),
  /**
   * Relaxed: c plus the products of signed bytes and bytes from 0 to 127, added by fours. Exact for such operands on
   * every machine.
   */
  relaxedDot: (bytes: Code, sevenBits: Code, c: Code): Code => [bytes, sevenBits, c, vector(0x113)],
};

export const f32x4 = {
  const: (value: number): Code => [vector(0x0c), Array.from({ length: 4 }, () => float32Bytes(value)).flat()],
  splat: unary(...vector(0x13)),
  extractLane: (a: Code, lane: number): Code => [a, vector(0x1f), lane],
  nearest: unary(...vector(0x6a)),
  abs: unary(...vector(0xe0)),
  neg: unary(...vector(0xe1)),
  add: binary(...vector(0xe4)),
  sub: binary(...vector(0xe5)),
  mul: binary(...vector(0xe6)),
  div: binary(...vector(0xe7)),
  min: binary(...vector(0xe8)),
  max: binary(...vector(0xe9)),
  /** b < a ? b : a, one instruction where `min` takes seven to order zeros and pass on NaN. */
  pmin: binary(...vector(0xea)),
  /** a < b ? b : a */
  pmax: binary(...vector(0xeb)),
  convertI32x4S: unary(...vector(0xfa)),
  /** Relaxed: a · b + c, rounded once or twice. */
  relaxedMadd: (a: Code, b: Code, c: Code): Code => [a, b, c, vector(0x105)],
};

/** Body, repeated until the condition behind it is false. */
export const doWhile = (body: Code, condition: Code): Code => [0x03, 0x40, body, condition, 0x0d, 0, 0x0b];
export const when = (condition: Code, body: Code): Code => [condition, 0x04, 0x40, body, 0x0b];
export const drop = (value: Code): Code => [value, 0x1a];

export interface WasmFunction {
  name: string;
  parameters: readonly ValueType[];
  locals: readonly ValueType[];
  body: Code;
}

type Variables = Readonly<Record<string, ValueType>>;

/** A parameter or local: its value, and code that sets it. */
export interface Variable {
  get: Code;
  set: (value: Code) => Code;
}

/** A function without a result whose parameters and locals have names. */
export function define<P extends Variables, L extends Variables>(
  name: string,
  parameters: P,
  locals: L,
  body: (names: Record<keyof P | keyof L, Variable>) => Code,
): WasmFunction {
  const variables = [...Object.keys(parameters), ...Object.keys(locals)].map((key, index): [string, Variable] => [
    key,
    { get: [0x20, unsigned(index)], set: (value) => [value, 0x21, unsigned(index)] },
  ]);
  return {
    name,
    parameters: Object.values(parameters),
    locals: Object.values(locals),
    body: body(Object.fromEntries(variables) as Record<keyof P | keyof L, Variable>),
  };
}

/** A call of the n-th function of the module. */
export const call = (index: number, operands: readonly Code[]): Code => [operands as Code, 0x10, unsigned(index)];

/** A module whose functions are exported and whose shared memory is imported as `env.memory`. */
export function assemble(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const sized = (code: Code): number[] => {
    const bytes = flatten(code, []);
    return [...unsigned(bytes.length), ...bytes];
  };
  const text = (value: string): Code => sized([...new TextEncoder().encode(value)]);
  const section = (id: number, items: readonly Code[]): Code => [id, sized([unsigned(items.length), items as Code])];
  const types = functions.map(({ parameters }): Code => [
    0x60,
    unsigned(parameters.length),
    parameters.map((type) => valueTypes[type]),
    0,
  ]);
  const code = functions.map(({ locals, body }): Code =>
    sized([unsigned(locals.length), locals.map((type) => [1, valueTypes[type]]), body, 0x0b]),
  );
  const sharedMemory = [0x02, 0x03, unsigned(1), unsigned(pages)];
  return Uint8Array.from(
    flatten(
      [
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, types),
        section(2, [[text('env'), text('memory'), sharedMemory]]),
        section(
          3,
          functions.map((_, i) => unsigned(i)),
        ),
        section(
          7,
          functions.map(({ name }, i): Code => [text(name), 0x00, unsigned(i)]),
        ),
        section(10, code),
      ],
      [],
    ),
  );
}
