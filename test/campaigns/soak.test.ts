/** Some seconds of soak.long.test.ts. */
import { expect, it } from 'vitest';
import { slopeOf, soak } from './soak';

// Descriptors are counted in /proc.
it.skipIf(process.platform !== 'linux')(
  'answers all along, and closes every descriptor',
  async () => {
    const { actions, samples } = await soak(0.3, 1, 30);
    expect(actions).toBeGreaterThan(20);
    const { 'worker.js': worker } = samples;
    expect(worker.length).toBeGreaterThan(5);
    expect(Math.max(...worker.map(({ descriptors }) => descriptors))).toBeLessThan(100);
  },
  180_000,
);

it('finds the slope of a leak', () => {
  const sample = (at: number) => ({
    ...{ at, rss: 1e8 + at * 1_000, heap: 0, external: 0, held: 0 },
    ...{ descriptors: 20, kinds: {}, threads: 9 },
  });
  const samples = Array.from({ length: 30 }, (_, i) => sample(i * 10));
  expect(slopeOf(samples, ({ rss }) => rss)).toBeCloseTo(3_600_000);
  expect(slopeOf(samples, ({ descriptors }) => descriptors)).toBe(0);
  const restarted = [sample(500), sample(600), ...samples];
  expect(slopeOf(restarted, ({ rss }) => rss)).toBeCloseTo(3_600_000);
});
