import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Supervisor, TIMING, whileAlive, type Supervised, type SupervisorTiming, type Verdict } from '../../src/rpc';

/** A child that answers JSON-RPC: `echo` at once, `die` with exit code 3, `hang` never. */
const CHILD = `
process.on('message', (message) => {
  if (message.method === 'die') process.exit(3);
  if (message.method === 'echo')
    process.send({ jsonrpc: '2.0', id: message.id, result: [message.params, process.env.ORT_DISABLE_TELEMETRY] });
});
process.on('disconnect', () => { if (!process.env.STUBBORN) process.exit(0); });
setInterval(() => {}, 1_000);
`;

let directory: string;
let supervisor: Supervisor;
let ends: { reason: string; verdict: Verdict }[];
let restarts: number;
let idles: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'supervisor-'));
  writeFileSync(join(directory, 'child.cjs'), CHILD);
  [ends, restarts, idles] = [[], 0, 0];
});
afterEach(async () => {
  supervisor.dispose();
  await supervisor.stop();
  rmSync(directory, { recursive: true, force: true });
});

function make(timing: Partial<SupervisorTiming> = {}, idleAfter = 0): Supervisor {
  return (supervisor = new Supervisor({
    file: join(directory, 'child.cjs'),
    name: 'child',
    inspect: 'ANCHORAGE_INSPECT_WORKER',
    timing: { ...TIMING, firstDelay: 5, longestDelay: 12, tick: 20, mostEnds: 4, farewell: 150, ...timing },
    log: () => {},
    connect: () => {},
    ended: (_child, reason, verdict) => ends.push({ reason, verdict }),
    restart: () => {
      restarts += 1;
      supervisor.launch();
    },
    idleAfter: () => idleAfter,
    idle: () => (idles += 1),
  }));
}
const request = (process: Supervised, method: string, params: unknown = 1) =>
  whileAlive(
    process,
    () => process.connection.sendRequest<unknown>(method, params),
    (reason) => new Error(`lost: ${reason}`),
  );

it('starts a process that answers, with telemetry switched off', async () => {
  expect(await request(make().launch(), 'echo', { n: 7 })).toEqual([{ n: 7 }, '1']);
});

it('tells those who wait how the process ended, and those who come later', async () => {
  const process = make({ firstDelay: 60_000, longestDelay: 60_000 }).launch();
  await expect(request(process, 'die')).rejects.toThrow('lost: stopped (exit code 3)');
  await expect(request(process, 'echo')).rejects.toThrow('lost: has ended');
  expect(supervisor.current).toBeUndefined();
});

it('restarts with growing delays and gives up after several ends in a row', async () => {
  make();
  supervisor.launch().child.kill('SIGKILL');
  for (let end = 1; end < 4; end++) {
    await vi.waitFor(() => expect(restarts).toBe(end));
    supervisor.current?.child.kill('SIGKILL');
  }
  await vi.waitFor(() => expect(ends).toHaveLength(4));
  expect(ends.map(({ verdict }) => verdict)).toEqual([
    { restart: true, delay: 5 },
    { restart: true, delay: 10 },
    { restart: true, delay: 12 },
    { restart: false, ends: 4 },
  ]);
  expect(ends[0]?.reason).toBe('stopped (SIGKILL)');
});

it('forgets earlier ends of a process that was healthy, and when it is told to', async () => {
  make({ healthy: 0, mostEnds: 2 });
  for (let end = 1; end <= 3; end++) {
    const { child } = supervisor.launch();
    await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(ends).toHaveLength(end));
    supervisor.cancelRestart();
    expect(ends.at(-1)?.verdict).toEqual({ restart: true, delay: 5 });
    await supervisor.stop();
  }
});

it('kills a process that is silent once it is watched, and restarts it', async () => {
  const process = make({ silence: 60 }).launch();
  process.watched = true;
  await vi.waitFor(() => expect(restarts).toBe(1), 5_000);
  expect(ends[0]?.reason).toBe('stopped (SIGKILL)');
});

it('is idle only while nothing is in progress', async () => {
  const process = make({}, 40).launch();
  process.watched = true;
  let finish = (): void => {};
  const work = supervisor.use(() => new Promise<void>((resolve) => (finish = resolve)));
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(idles).toBe(0);
  finish();
  await work;
  await vi.waitFor(() => expect(idles).toBeGreaterThan(0));
});

it('stops without a restart, and kills a process that does not end by itself', async () => {
  vi.stubEnv('STUBBORN', '1');
  const process = make().launch();
  vi.unstubAllEnvs();
  await request(process, 'echo');
  await supervisor.stop();
  expect(await process.ended).toBe('stopped (SIGKILL)');
  expect([ends, restarts]).toEqual([[], 0]);
});
