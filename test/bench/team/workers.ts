/** Workers that share the encoding of one workspace over moto: what is encoded twice, and how much faster they are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildChild, type ChildResult, runTogether } from '../../team/kills';
import { Moto } from './moto';

/** Records of the workspace. At 600 tokens each: a million tokens. */
const RECORDS = 1_700;
/** Simulated time (ms) of encoding one record, so that the cores of this machine do not decide. */
const ENCODE_MS = 60;

export async function benchWorkers(records = RECORDS): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-bench-team-'));
  try {
    const program = buildChild(directory);
    const one = await timed(program, 1, records);
    const four = await timed(program, 4, records);
    const encoded = four.reduce((sum, result) => sum + result.encoded, 0);
    const [alone, together] = [one, four].map((results) => Math.max(...results.map(({ seconds }) => seconds)));
    const puts = four.reduce((sum, { counts }) => sum + counts.puts, 0);
    console.log(`| 4 workers, ${records} records: encoded, of those needed | ${(encoded / records).toFixed(3)} × |`);
    console.log(
      `| speed-up of 4 workers (${ENCODE_MS} ms a record, simulated; ${(alone as number).toFixed(1)} s and ` +
        `${(together as number).toFixed(1)} s) | ${((alone as number) / (together as number)).toFixed(2)} × |`,
    );
    const most = Math.max(...four.map((result) => result.encoded));
    console.log(
      `| records by the busiest of the 4 workers (${(records / most).toFixed(2)} × without the time of requests) | ${most} |`,
    );
    console.log(`| PUTs of the 4 workers | ${puts} |`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timed(program: string, workers: number, records: number): Promise<ChildResult[]> {
  const moto = await Moto.start();
  try {
    const task = { address: moto.endpoint, texts: [0, records] as const, encodeMs: ENCODE_MS };
    return await runTogether(
      program,
      Array.from({ length: workers }, () => task),
    );
  } finally {
    moto.stop();
  }
}
