/** Campaigns over a team's memory: workers killed at each step, and stores that fail in every way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generator } from '../../src/engine/generate/sampling';
import { FileStore } from '../../src/team/objects/file-store';
import { buildChild, runChild } from './kills';
import { FaultyObjects, MemoryObjects } from './memory-objects';
import { TeamWorker, textsOf } from './workers';

export interface KillReport {
  kills: number;
  /** Steps (requests) of an undisturbed push. */
  steps: number;
  /** Records that a reader could not read after the last worker had finished. */
  lost: number;
  /** Records encoded by the workers that finished, of those needed. */
  encoded: number;
  needed: number;
}

/** Kills a worker at each request of a push, before and after it, until there were `kills` of them. */
export async function killWorkers(kills: number, report = (_: string): void => undefined): Promise<KillReport> {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-kills-'));
  const result: KillReport = { kills: 0, steps: 0, lost: 0, encoded: 0, needed: 0 };
  try {
    const program = buildChild(directory);
    const texts = 48;
    const task = { texts: [0, texts] as const, leaseMs: 1, packBytes: 1_000 };
    for (let round = 0; result.kills < kills; round++) {
      const address = join(directory, `store-${round}`);
      // One store suffers kills at many steps in a row: each worker finds what the one before it has left.
      let died = true;
      for (let step = 1 + (round % 3); died && result.kills < kills; step += 3) {
        for (const after of [false, true]) {
          died = runChild(program, { ...task, address, killAt: step, after }) === undefined;
          if (died) result.kills += 1;
          else result.steps = Math.max(result.steps, step);
        }
        await readEverything(address, texts);
      }
      result.encoded += runChild(program, { ...task, address })?.encoded ?? 0;
      result.needed += texts;
      result.lost += await readEverything(address, texts);
      report(`${result.kills} kills`);
    }
    return result;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Returns the number of records that are not there. @throws when one is there and wrong */
async function readEverything(address: string, count: number): Promise<number> {
  const reader = await TeamWorker.open(new FileStore(address));
  try {
    await reader.pull(textsOf(count));
    return (await reader.missing(textsOf(count))).length;
  } finally {
    await reader.close();
  }
}

export interface FaultReport {
  faults: number;
  byKind: Record<string, number>;
  /** Records that were lost once the store worked again. */
  lost: number;
  rounds: number;
}

/**
 * Lets workers push and read through a store that fails, until there were so many faults.
 * @throws when a wrong row was stored
 */
export async function failStores(faults: number, seed: number): Promise<FaultReport> {
  const result: FaultReport = { faults: 0, byKind: {}, lost: 0, rounds: 0 };
  while (result.faults < faults) {
    const random = generator(seed + result.rounds);
    const objects = new MemoryObjects();
    // The store's clock may be a day off, either way.
    objects.skewMs = [0, -1, 1][result.rounds % 3]! * 24 * 3_600_000;
    const texts = textsOf(64, 1_000 * result.rounds);
    const stores = [0, 1, 2].map(() => new FaultyObjects(objects, random, 0.05 + 0.25 * random()));
    const workers = await Promise.all(stores.map((store) => TeamWorker.open(store)));
    const reading = new FaultyObjects(objects, random, 0.3);
    const reader = await TeamWorker.open(reading);
    for (let i = 0; i < 4; i++) {
      await Promise.all(workers.map((worker) => worker.push(texts, { leaseMs: 20 }).catch(() => undefined)));
      await reader.pull(texts).catch(() => undefined);
      await reader.missing(texts);
    }
    for (const store of stores) store.share = 0;
    await workers[0]?.push(texts, { leaseMs: 1 });
    const last = await TeamWorker.open(objects);
    await last.pull(texts);
    result.lost += (await last.missing(texts)).length;
    for (const { count } of [...stores, reading])
      for (const [kind, times] of Object.entries(count)) {
        result.byKind[kind] = (result.byKind[kind] ?? 0) + times;
        result.faults += times;
      }
    for (const each of [...workers, reader, last]) await each.close();
    result.rounds += 1;
  }
  return result;
}
