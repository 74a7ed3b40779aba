import { expect, it } from 'vitest';
import { drive } from './drive';

const attacked = (read: (seed: number) => unknown, leavesRejections = false) => ({
  name: 'test',
  isRefusal: (error: Error) => error.name === 'Refusal',
  leavesRejections,
  open: () => Promise.resolve({ read: (_: unknown, seed: number) => read(seed) }),
});
const refusal = Object.assign(new Error('no'), { name: 'Refusal', code: 'malformed' });

it('counts results and refusals, and names the seed of everything else', async () => {
  const read = (seed: number): void => {
    if (seed === 12) throw refusal;
    if (seed === 13) throw new TypeError('defect');
  };
  const report = await drive(attacked(read), 5, 10);
  expect(report).toMatchObject({ inputs: 5, accepted: 3, refused: { malformed: 1 } });
  expect(report.failures).toEqual([expect.stringContaining('seed 13: TypeError: defect')]);
});

it('takes a rejection that nobody handles for a failure, unless a library is known to leave some', async () => {
  const read = (seed: number): Promise<void> => {
    if (seed === 11) void Promise.reject(new Error('lost'));
    return new Promise((resolve) => setImmediate(resolve));
  };
  const report = await drive(attacked(read), 3, 10);
  expect(report.failures).toEqual([expect.stringContaining('seed 11: Error: lost')]);
  expect(await drive(attacked(read, true), 3, 10)).toMatchObject({ failures: [], leftRejections: 1 });
});

it('gives the same numbers for the same seed', async () => {
  const seen: number[] = [];
  const take = {
    ...attacked(() => undefined),
    open: () => Promise.resolve({ read: (random: () => number) => void seen.push(random()) }),
  };
  await drive(take, 2, 7);
  await drive(take, 1, 8);
  expect(seen).toHaveLength(3);
  expect(seen[1]).toBe(seen[2]);
});
