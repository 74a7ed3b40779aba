import { expect, it } from 'vitest';
import type { MemorySegment } from '../../src/memory';
import { PassageVectors } from '../../src/memory/passage-vectors';

/** Segments "0", "1" … whose only vector points at as many degrees. */
const segments = (...degrees: number[]): MemorySegment[] => degrees.map((key) => ({ key: `${key}` }) as MemorySegment);
const bytesOf = (degrees: number): Int8Array => {
  const angle = (degrees * Math.PI) / 180;
  return Int8Array.of(Math.round(127 * Math.cos(angle)), Math.round(127 * Math.sin(angle)));
};
const EAST = Float32Array.of(1, 0);

function vectorsWithRoom(bytes: number): { vectors: PassageVectors; read: string[] } {
  const read: string[] = [];
  const load = (key: string): Promise<Int8Array | undefined> => {
    read.push(key);
    return Promise.resolve(key === '-1' ? undefined : bytesOf(Number(key)));
  };
  return { vectors: new PassageVectors(bytes, load), read };
}
const rounded = (cosines: Float32Array): number[] => [...cosines].map((cosine) => Math.round(cosine * 10) / 10);

it('reads each vector once, for all questions and lists', async () => {
  const { vectors, read } = vectorsWithRoom(1_000);
  expect(rounded(await vectors.nearest(segments(0, 90, -1), EAST))).toEqual([1, 0, NaN]);
  expect(rounded(await vectors.nearest(segments(90, 180), EAST))).toEqual([0, -1]);
  expect(read).toEqual(['0', '90', '-1', '180']);
});

it('reads those that do not fit for each question', async () => {
  const { vectors, read } = vectorsWithRoom(4);
  const three = segments(0, 90, 180);
  expect(rounded(await vectors.nearest(three, EAST))).toEqual([1, 0, -1]);
  expect(rounded(await vectors.nearest(three, Float32Array.of(0, 1)))).toEqual([0, 1, 0]);
  expect(read.slice(3)).toEqual(['180', '180']);
});

it('makes room when most vectors are of segments that are gone', async () => {
  const { vectors, read } = vectorsWithRoom(6);
  await vectors.nearest(segments(0, 30, 60), EAST);
  const two = segments(90, 180);
  expect(rounded(await vectors.nearest(two, EAST))).toEqual([0, -1]);
  read.length = 0;
  expect(rounded(await vectors.nearest(two, EAST))).toEqual([0, -1]);
  expect(read).toEqual([]);
});
