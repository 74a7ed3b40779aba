/** Each call of the file system that a command makes in its storage fails once: nothing hangs, nothing is lost. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LONG, saveRow } from '../campaigns/results';
import { TestHub } from '../hub/server';
import { type CommandFault, type Ended, type Place, Terminal } from './terminal';

/** Calls that fail with each code: every one in the long run, unless `ANCHORAGE_INPUTS` says how many. */
const SAMPLE = LONG ? Number(process.env['ANCHORAGE_INPUTS'] ?? Infinity) : 1;
const CODES = ['ENOSPC', 'EIO'];
let terminal: Terminal;
beforeAll(() => {
  terminal = new Terminal({ model: true });
  terminal.writeFiles({
    'pool.py': 'class Pool:\n    def take_zzpool(self, host):\n        return self.free.pop(host)\n',
    'guide.md': '# Guide\n\nAbout the zzguide of connections.\n',
  });
  change(0);
});
afterAll(() => terminal.dispose());

function change(round: number): void {
  terminal.writeFiles({ 'count.ts': `export function zzcount(): number {\n  return ${round};\n}\n` });
}

/** Removes what is stored, and the calls of the fault with it. */
function forgetStored(): void {
  for (const folder of [terminal.storage, terminal.cache]) rmSync(folder, { recursive: true, force: true });
}

interface Scenario {
  name: string;
  argv: readonly string[];
  /** Makes what is stored before the command. */
  before?: () => void;
  place?: () => Place;
  /** Fails when what was stored is lost. */
  after: (told: string) => void;
}

/** All that is indexed is found, and the store is sound. */
function expectIndexWhole(told: string): void {
  const found = terminal.run(['search', 'zzpool zzguide zzcount']);
  for (const file of ['pool.py', 'guide.md', 'count.ts']) expect(found.stdout, told).toContain(file);
  expect(found.status, told).toBe(0);
  const { status, stdout } = terminal.run(['check']);
  expect(status, `${told}, then check: ${stdout}`).toBe(0);
}

/** Tokens that another run encodes, after which every segment has its memories. */
function encodedAgain(told: string): number {
  const { status, stdout, stderr } = terminal.run(['index', '--memories', '--json']);
  expect(status, `${told}, then encoding: ${stderr}`).toBe(0);
  const { memories } = JSON.parse(stdout) as { memories: Record<'segments' | 'encoded' | 'newTokens', number> };
  expect(memories.encoded, told).toBe(memories.segments);
  return memories.newTokens;
}

function expectMemoriesWhole(told: string): void {
  encodedAgain(told);
  expectIndexWhole(told);
}

/** Checks that segments encoded before the fault are still there. */
function expectNothingEncodedAgain(told: string): void {
  expect(encodedAgain(told), told).toBe(0);
  expectIndexWhole(told);
}

function indexed(): void {
  change(0);
  expect(terminal.run(['index']).status).toBe(0);
  change(1);
}

const encoded = (): void => void expect(terminal.run(['index', '--memories']).status).toBe(0);

const SCENARIOS: readonly Scenario[] = [
  { name: 'index of nothing stored', argv: ['index'], after: expectIndexWhole },
  { name: 'index after a change', argv: ['index'], before: indexed, after: expectIndexWhole },
  { name: 'search', argv: ['search', 'zzguide'], before: indexed, after: expectIndexWhole },
  { name: 'memories of nothing stored', argv: ['index', '--memories'], after: expectMemoriesWhole },
  {
    name: 'memories, in the process of the model',
    argv: ['index', '--memories'],
    place: () => ({ script: 'inference.js', under: terminal.cache }),
    after: expectMemoriesWhole,
  },
  { name: 'memories again', argv: ['index', '--memories'], before: encoded, after: expectNothingEncodedAgain },
  { name: 'ask', argv: ['ask', 'what is zzguide?'], before: encoded, after: expectNothingEncodedAgain },
  {
    name: 'ask, in the process of the model',
    argv: ['ask', 'what is zzguide?'],
    before: encoded,
    place: () => ({ script: 'inference.js', under: terminal.cache }),
    after: expectNothingEncodedAgain,
  },
  { name: 'summarize', argv: ['summarize', 'guide.md'], before: encoded, after: expectNothingEncodedAgain },
  { name: 'explain', argv: ['explain', 'take_zzpool'], before: encoded, after: expectNothingEncodedAgain },
];

/** Every end is orderly: a code of its own, and words where it is not 0. */
function expectOrderly({ status, stderr }: Ended, told: string): void {
  expect([0, 1], `${told}: ${stderr}`).toContain(status);
  expect(stderr, told).not.toMatch(/^\s+at /m);
  if (status === 1) expect(stderr.trim(), told).not.toBe('');
}

/** The calls that fail: all of them, or some spread over the command. */
function faults(calls: number, code: string): CommandFault[] {
  const step = Math.max(1, Math.ceil(calls / SAMPLE));
  const all: CommandFault[] = [];
  for (let at = 1 + ((calls * 7) % step); at <= calls; at += step) all.push({ at, code, sticky: code === 'ENOSPC' });
  return all;
}

/** In the unit tests, one command of each kind. */
const SHORT = new Set(['index after a change', 'memories of nothing stored', 'ask']);

describe.each(SCENARIOS.filter(({ name }) => LONG || SHORT.has(name)))(
  '$name',
  ({ name, argv, before, place, after }) => {
    it('ends with a code and words, and loses nothing, whichever call fails', async () => {
      forgetStored();
      before?.();
      terminal.save('before');
      const { calls } = terminal.run(argv, place?.());
      expect(calls).toBeGreaterThan(0);
      let count = 0;
      let told = 0;
      for (const code of CODES)
        for (const fault of faults(calls, code)) {
          terminal.restore('before');
          const words = `${argv.join(' ')}, call ${fault.at} of ${calls}: ${code}`;
          const ended = terminal.run(argv, place?.(), fault);
          expectOrderly(ended, words);
          after(words);
          count++;
          if (ended.status === 1) told++;
        }
      await saveRow('Commands', [name, calls, count, count - told, told, 0]);
    }, 7_200_000);
  },
);

describe('model add', () => {
  it('ends with a code and words, whichever call fails, and resumes what came', async () => {
    forgetStored();
    const hub = await new TestHub().start();
    try {
      for (const [file, bytes] of terminal.modelFiles()) hub.files.set(file, bytes);
      const argv = ['model', 'add', 'own/tiny', '--endpoint', hub.endpoint];
      const place = { under: terminal.cache };
      const whole = await terminal.start(argv, { place }).ended;
      expect(whole, whole.stderr).toMatchObject({ status: 0 });
      let count = 0;
      let told = 0;
      for (const code of CODES)
        for (const fault of faults(whole.calls, code)) {
          forgetStored();
          const words = `model add, call ${fault.at} of ${whole.calls}: ${code}`;
          const ended = await terminal.start(argv, { place, fault }).ended;
          expectOrderly(ended, words);
          count++;
          if (ended.status === 1) told++;
          const again = await terminal.start(argv).ended;
          if (ended.status === 0) expect(again.stderr, words).toContain('already exists');
          else expect(again.status, `${words}, then: ${again.stderr}`).toBe(0);
          expect(terminal.run(['model', 'info', 'own--tiny']).status, words).toBe(0);
        }
      await saveRow('Commands', ['model add', whole.calls, count, count - told, told, 0]);
    } finally {
      await hub.stop();
    }
  }, 7_200_000);
});

it('says that the disk is full, and ends with 1', { timeout: 120_000 }, () => {
  forgetStored();
  const ended = terminal.run(['index'], {}, { at: 20, code: 'ENOSPC', sticky: true });
  expect(ended.stderr).toMatch(/the disk is full/);
  expect(ended.status).toBe(1);
});

describe('a closed pipe', { timeout: 300_000 }, () => {
  const COMMANDS = [
    ['index', '--progress'],
    ['index', '--memories', '--progress'],
    ['search', 'zzguide'],
    ['ask', 'what is zzguide?'],
    ['summarize', 'guide.md'],
    ['explain', 'take_zzpool'],
    ['status'],
    ['check'],
    ['why', 'guide.md'],
    ['functions'],
    ['model', 'list'],
    ['search'],
    ['nonsense'],
    ['--help'],
  ];

  it.each(LONG ? COMMANDS : COMMANDS.slice(0, 3))('ends `%s %s` in order, with everything stored', async (...argv) => {
    forgetStored();
    for (const close of [['stdout'], ['stderr'], ['stdout', 'stderr']] as const) {
      const { status, stderr } = await terminal.start(argv.filter(Boolean), { close }).ended;
      expect([0, 1, 2], stderr).toContain(status);
      expect(stderr).not.toMatch(/^\s+at |Unhandled/m);
      if (argv[0] !== 'nonsense' && argv.length > 1) expect(status, stderr).toBe(0);
    }
    if (argv[0] === 'index') {
      expectIndexWhole(argv.join(' '));
      if (argv[1] === '--memories') expectNothingEncodedAgain(argv.join(' '));
    }
  });

  it('on a full device is told, and ends with 1', () => {
    const { status, stderr } = terminal.shell('search zzguide', '> /dev/full');
    expect(stderr).toMatch(/The output cannot be written \(ENOSPC\)/);
    expect(status).toBe(1);
  });
});
