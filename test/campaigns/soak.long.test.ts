/** An hour of use; `ANCHORAGE_MINUTES` sets another time. */
import { expect, it } from 'vitest';
import { saveRow, SEED } from './results';
import { slopeOf, soak } from './soak';
import type { Sample } from './soak-probe';

const MINUTES = Number(process.env['ANCHORAGE_MINUTES'] ?? 60);
/** Longest turn of the worker's event loop, in ms of processor time. */
const MOST_HELD = 200;

it(
  'keeps memory and descriptors flat',
  async () => {
    const { actions, complaints, samples } = await soak(MINUTES, SEED, 1_500);
    console.log(complaints.join('\n'));
    for (const [script, list] of Object.entries(samples)) {
      const megabytes = (value: number): string => `${(value / 1e6).toFixed(1)} MB`;
      const last = list.at(-1);
      console.log(script, openAtThirds(list));
      const held = Math.max(...list.map((sample) => sample.held));
      await saveRow('Soak', [
        script,
        `${MINUTES} min, ${actions} actions`,
        `${megabytes(last?.rss ?? 0)}, ${megabytes(slopeOf(list, ({ rss }) => rss))}/h`,
        `${megabytes(last?.heap ?? 0)}, ${megabytes(slopeOf(list, ({ heap }) => heap))}/h`,
        `${last?.descriptors ?? 0}, ${slopeOf(list, ({ descriptors }) => descriptors).toFixed(2)}/h`,
        `${Math.round(held)} ms`,
      ]);
      // The number of open files depends on the work at the moment: an hour's noise is some descriptors.
      if (MINUTES < 60) continue;
      expect(slopeOf(list, ({ descriptors }) => descriptors)).toBeLessThan(6);
      expect(slopeOf(list, ({ heap }) => heap)).toBeLessThan(10e6);
    }
    const worker = samples['worker.js'];
    expect(Math.max(...worker.map(({ held }) => held))).toBeLessThan(MOST_HELD);
  },
  2 * 3_600_000,
);

/** Files and sockets that are open at the ends of the thirds of the time: names what grows. */
const openAtThirds = (list: readonly Sample[]): string =>
  [1, 2, 3]
    .flatMap((third) => list[Math.floor((list.length * third) / 3) - 1] ?? [])
    .map(({ threads, kinds }) => `${threads} threads, ${JSON.stringify(kinds)}`)
    .join('; ');
