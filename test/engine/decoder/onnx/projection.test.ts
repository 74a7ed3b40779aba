import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { GraphBuilder } from '../../../../src/engine/decoder/onnx/graph-builder';
import { Projections } from '../../../../src/engine/decoder/onnx/projection';
import { quantizeOutputs } from '../../../../src/engine/decoder/quantize';

const [INPUTS, OUTPUTS, ROWS] = [64, 48, 5];

/** Uses weights and activations near the ends of their ranges, where sums of two byte products exceed 16 bits. */
test('a product of quantized rows differs by at most the rounding on every processor', async () => {
  const weights = Float32Array.from({ length: INPUTS * OUTPUTS }, (_, i) => Math.sin(i * 12.9898) * 0.9 + 0.1);
  const whole = { levels: new Uint8Array(INPUTS * OUTPUTS), scales: new Float32Array(OUTPUTS) };
  quantizeOutputs(weights, INPUTS, whole, 0);
  const graph = new GraphBuilder('product');
  graph.input('x', 'float32', ['rows', INPUTS]);
  const at = { location: 'weights', offset: 0, byteLength: whole.levels.length };
  const scales = { location: 'weights', offset: whole.levels.length, byteLength: OUTPUTS * 4 };
  const stored = {
    'm.i8q': { type: 'uint8' as const, shape: [INPUTS, OUTPUTS], ...at },
    'm.i8q.scales': { type: 'float32' as const, shape: [OUTPUTS], ...scales },
  };
  const plan = { name: 'm', sources: ['m'], biases: [], inputs: INPUTS, outputs: OUTPUTS };
  const product = new Projections(graph, stored).product('x', plan, 'i8q');
  graph.output(product, 'float32', ['rows', OUTPUTS]);
  const data = Buffer.concat([whole.levels, new Uint8Array(whole.scales.buffer)]);
  const session = await ort.InferenceSession.create(graph.build(), {
    externalData: [{ path: 'weights', data }],
  });
  const rows = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => Math.cos(i * 4.1414) * 3 + 2.5);
  const found = await session.run({ x: new ort.Tensor('float32', rows, [ROWS, INPUTS]) });
  const values = found[product]?.data as Float32Array;
  let [error, total] = [0, 0];
  for (let row = 0; row < ROWS; row++) {
    for (let output = 0; output < OUTPUTS; output++) {
      let exact = 0;
      for (let i = 0; i < INPUTS; i++) {
        exact += (rows[row * INPUTS + i] as number) * (weights[output * INPUTS + i] as number);
      }
      error += (exact - (values[row * OUTPUTS + output] as number)) ** 2;
      total += exact ** 2;
    }
  }
  expect(Math.sqrt(error / total)).toBeLessThan(0.02);
  await session.release();
});
