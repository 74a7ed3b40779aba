/** A worker that is used for a long time: edits, branch switches, questions, hovers, summaries and pauses. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generator } from '../../src/engine/generate/sampling';
import { Terminal } from '../faults/terminal';
import { WorkerUnderTest, SETTINGS } from '../worker/harness';
import { bundle } from '../workspace/files';
import { pick, type Random } from './drive';
import type { Sample } from './soak-probe';

export interface Soaked {
  actions: number;
  /** Warnings and errors of the worker. */
  complaints: string[];
  /** Samples of each process, in order. */
  samples: Record<'worker.js' | 'inference.js', Sample[]>;
}

const FILES = 300;
/** Texts that a file takes in turn: few, so that all are stored in the first third, and nothing grows after it. */
const VARIANTS = 2;
const path = (i: number): string => `src/part${i % 11}/module${i}.${['py', 'ts', 'md'][i % 3]}`;

function text(i: number, variant: number): string {
  const lines = Array.from({ length: 25 }, (_, n) => `step ${n + variant} of zzpart${i % 60}`);
  if (i % 3 === 0)
    return `class Module${i}:\n    """Keeps zzpart${i % 60}, ${variant}."""\n\n    def run(self):\n${lines.map((line) => `        self.tell("${line}")`).join('\n')}\n`;
  if (i % 3 === 1)
    return `/** Keeps zzpart${i % 60}, ${variant}. */\nexport function module${i}(): string[] {\n  return [\n${lines.map((line) => `    '${line}',`).join('\n')}\n  ];\n}\n`;
  return `# Guide ${i}\n\nAbout zzpart${i % 60}, ${variant}.\n\n## Steps\n\n${lines.join('\n\n')}\n`;
}

export async function soak(minutes: number, seed: number, restMs: number): Promise<Soaked> {
  const terminal = new Terminal({ model: true });
  const { work, storage } = terminal;
  terminal.writeFiles(Object.fromEntries(Array.from({ length: FILES }, (_, i) => [path(i), text(i, 0)])));
  const file = join(terminal.directory, 'samples');
  const probe = bundle('test/campaigns/soak-probe.ts', join(terminal.bundle, 'probe.cjs'));
  const worker = new WorkerUnderTest(terminal.bundle, {
    NODE_OPTIONS: `--require "${probe}"`,
    SOAK_FILE: file,
    SOAK_SAMPLE_MS: String(Math.min(10_000, (minutes * 60_000) / 20)),
  });
  let actions = 0;
  try {
    await worker.initialize({ folders: [{ name: 'work', directory: work }], storageDirectory: storage });
    await worker.indexed();
    const random = generator(seed);
    for (const until = Date.now() + minutes * 60_000; Date.now() < until; actions++) {
      await pick(random, ACTIONS)({ worker, work, random, id: String(actions) });
      await sleep(random() * restMs);
    }
    await worker.request('index/pause', { paused: false });
  } finally {
    await worker.end();
  }
  const samples = (script: string): Sample[] =>
    existsSync(`${file}.${script}`)
      ? readFileSync(`${file}.${script}`, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Sample)
      : [];
  const complaints = worker.received.log
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map(({ message }) => message);
  const soaked = {
    actions,
    complaints,
    samples: { 'worker.js': samples('worker.js'), 'inference.js': samples('inference.js') },
  };
  terminal.dispose();
  return soaked;
}

interface Situation {
  worker: WorkerUnderTest;
  work: string;
  random: Random;
  id: string;
}

const some = (random: Random, count: number): number => Math.floor(random() * count);

/** Writes some files anew, as an editor or a branch switch does. */
function edit({ worker, work, random }: Situation, count: number): void {
  const changes = Array.from({ length: count }, () => {
    const i = some(random, FILES);
    const name = join(work, path(i));
    const goes = random() < 0.05;
    if (goes) rmSync(name, { force: true });
    else writeFileSync(name, text(i, some(random, VARIANTS)));
    return { file: name, type: goes ? ('deleted' as const) : ('changed' as const) };
  });
  void worker.connection.sendNotification('files/changed', { changes });
}

const ACTIONS: readonly ((situation: Situation) => Promise<unknown> | void)[] = [
  (situation) => edit(situation, 1),
  (situation) => edit(situation, 1 + some(situation.random, 5)),
  (situation) => edit(situation, some(situation.random, 40) === 0 ? 260 : 2),
  ({ worker, work, random }) => {
    const i = some(random, FILES);
    const file = join(work, path(i));
    void worker.connection.sendNotification('files/unsaved', { file, text: text(i, some(random, VARIANTS)) });
    void worker.connection.sendNotification('files/unsaved', { file, text: null });
  },
  ({ worker, work, random }) =>
    worker.connection.sendNotification('files/open', {
      files: Array.from({ length: 3 }, () => join(work, path(some(random, FILES)))),
    }),
  ({ worker, random, id }) =>
    worker.request('ask', { id, question: `What keeps zzpart${some(random, 60)}?`, scope: { kind: 'workspace' } }),
  ({ worker, random }) =>
    worker.request('search', {
      question: `zzpart${some(random, 60)} step ${some(random, 30)}`,
      scope: { kind: 'workspace' },
      limit: 20,
    }),
  ({ worker, work, random, id }) =>
    worker.request('summarize', { id, file: join(work, path(some(random, FILES))) }).catch(gone),
  ({ worker, work, random }) =>
    worker
      .request('hover', { file: join(work, path(some(random, FILES))), line: 3, character: 12 } as never)
      .catch(gone),
  ({ worker, work, random }) => worker.request('index/why', { file: join(work, path(some(random, FILES))) }),
  async ({ worker, random }) => {
    await worker.request('index/pause', { paused: true });
    await sleep(random() * 500);
    await worker.request('index/pause', { paused: false });
  },
  ({ worker, random }) =>
    worker.connection.sendNotification('settings/changed', {
      settings: { ...SETTINGS, filesExclude: random() < 0.2 ? ['**/part3/**'] : [] },
    }),
  ({ worker }) => worker.request('index/status', null),
];

/** The file was deleted a moment ago. */
function gone(error: unknown): void {
  if (
    !/missing|not found|no such|does not exist|deleted|cannot be read|ENOENT|is gone|no longer exists/i.test(
      String(error),
    )
  )
    throw error;
}

/**
 * Growth an hour by least squares, without the first third, in which caches fill. A process that ended and came back
 * counts from its last start.
 */
export function slopeOf(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const start = samples.findLastIndex(({ at }, i) => i > 0 && at < (samples[i - 1]?.at ?? 0));
  const life = samples.slice(Math.max(0, start));
  const used = life.slice(Math.floor(life.length / 3));
  const n = used.length;
  const meanAt = used.reduce((sum, { at }) => sum + at, 0) / n;
  const mean = used.reduce((sum, sample) => sum + value(sample), 0) / n;
  const over = used.reduce((sum, sample) => sum + (sample.at - meanAt) * (value(sample) - mean), 0);
  const under = used.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  return (over / under) * 3_600;
}
