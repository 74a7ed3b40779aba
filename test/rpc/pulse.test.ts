import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { Supervisor, TIMING, type Supervised, type SupervisorTiming, type Verdict } from '../../src/rpc';
import { bundle } from '../workspace/files';

/** Beats, and holds its event loop for some milliseconds when it is told to. */
const CHILD = `
const { startPulse } = require('./pulse.cjs');
startPulse(process.env, 30);
process.on('message', ({ id, method, params }) => {
  if (method !== 'hold') return;
  for (const end = Date.now() + params[0]; Date.now() < end; );
  process.send({ jsonrpc: '2.0', id, result: 'held' });
});
process.on('disconnect', () => process.exit(0));
`;

let directory: string;
let supervisor: Supervisor;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pulse-'));
  bundle('src/rpc/pulse.ts', join(directory, 'pulse.cjs'));
  writeFileSync(join(directory, 'child.cjs'), CHILD);
});
afterEach(async () => {
  supervisor.dispose();
  await supervisor.stop();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function launch(timing: Partial<SupervisorTiming>): { child: Supervised; log: string[]; ends: Verdict[] } {
  const log: string[] = [];
  const ends: Verdict[] = [];
  supervisor = new Supervisor({
    file: join(directory, 'child.cjs'),
    name: 'child',
    inspect: 'ANCHORAGE_INSPECT_WORKER',
    timing: { ...TIMING, tick: 20, farewell: 150, ...timing },
    log: (_level, message) => log.push(message),
    connect: () => {},
    ended: (_child, _reason, verdict) => ends.push(verdict),
    restart: () => {},
    idleAfter: () => 0,
    idle: () => {},
  });
  const child = supervisor.launch();
  return { child, log, ends };
}

it('a process whose event loop is held is heard, and its task ends', async () => {
  const { child, ends } = launch({ silence: 2_000 });
  await vi.waitFor(() => expect(child.busyMs).toBeGreaterThanOrEqual(0));
  const before = child.lastHeard;
  await vi.waitFor(() => expect(child.lastHeard).toBeGreaterThan(before), 10_000);
  child.watched = true;
  expect(await child.connection.sendRequest('hold', 3_500)).toBe('held');
  expect(ends).toEqual([]);
}, 30_000);

it('a process whose event loop is held too long is killed, by its processor time', async () => {
  const { child, log } = launch({ silence: 20_000, busy: 400 });
  child.watched = true;
  void child.connection.sendRequest('hold', 60_000).catch(() => undefined);
  expect(await child.ended).toBe('stopped (SIGKILL)');
  expect(log.join('\n')).toContain('has not answered for');
}, 30_000);
