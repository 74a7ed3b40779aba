/** A few of the kills of kills.long.test.ts. */
import { expect, it } from 'vitest';
import { drive } from './drive';
import { kills } from './kills';

// Processes are found in /proc.
it.skipIf(process.platform !== 'linux')(
  'a killed command leaves nothing broken, lost or running',
  async () => {
    const report = await drive(kills, 5, 1);
    expect(report.failures).toEqual([]);
    expect(report.accepted).toBe(5);
  },
  120_000,
);
