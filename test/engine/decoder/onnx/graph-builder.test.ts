import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/engine/decoder/onnx/graph-builder';
import { ProtoWriter } from '../../../../src/engine/decoder/onnx/protobuf';

describe('protobuf', () => {
  it('encodes the examples of the format’s documentation', () => {
    expect([...new ProtoWriter().integer(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new ProtoWriter().string(2, 'testing').finish()]).toEqual([
      0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67,
    ]);
    expect([...new ProtoWriter().message(3, new ProtoWriter().integer(1, 150)).finish()]).toEqual([
      0x1a, 0x03, 0x08, 0x96, 0x01,
    ]);
    expect([...new ProtoWriter().integers(6, [3, 270, 86942]).finish()]).toEqual([
      0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05,
    ]);
    expect(new ProtoWriter().integer(1, -2).finish()).toHaveLength(11);
    expect([...new ProtoWriter().float(1, 1).finish()]).toEqual([0x0d, 0, 0, 0x80, 0x3f]);
  });
});

describe('graphs', () => {
  it('run, with inline and external constants', async () => {
    const g = new GraphBuilder('affine');
    const x = g.input('x', 'float32', ['n', 2]);
    const weights = Float32Array.of(1, 2, 3, 4);
    const w = g.external('w', 'float32', [2, 2], { location: 'w.bin', offset: 8, byteLength: 16 });
    const y = g.node('Add', [g.node('MatMul', [x, w]), g.float(0.5)]);
    const [left, right] = g.split(y, [1, 1], 1) as [string, string];
    g.node('Concat', [right, left], { attributes: { axis: 1 }, outputs: ['swapped'] });
    g.output('swapped', 'float32', ['n', 2]);
    const data = new Uint8Array(24);
    data.set(new Uint8Array(weights.buffer), 8);
    const session = await ort.InferenceSession.create(g.build(), { externalData: [{ path: 'w.bin', data }] });
    const { swapped } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 0, 0, 1), [2, 2]) });
    expect([...((swapped as ort.Tensor).data as Float32Array)]).toEqual([2.5, 1.5, 4.5, 3.5]);
    await session.release();
  });

  it('refuse constants of a wrong size', () => {
    const g = new GraphBuilder('wrong');
    expect(() => g.initializer('a', 'float32', [2], new Uint8Array(4))).toThrow(/4 bytes for 8/);
    expect(() => g.external('b', 'int8', [3], { location: 'x', offset: 0, byteLength: 2 })).toThrow(RangeError);
  });
});
