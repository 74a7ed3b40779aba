/** The protocol of a team's memory over a store in memory: dedup, faults, two versions, strangers, collection. */
import { afterEach, describe, expect, it } from 'vitest';
import { generator } from '../../src/engine/generate/sampling';
import { Signer, Trust } from '../../src/team/log/team-keys';
import { checkConditions } from '../../src/team/push';
import { GRACE_MS, OTHER_VERSION_MS, sweep, UNUSED_MS } from '../../src/team/sweep';
import { FaultyObjects, MemoryObjects } from './memory-objects';
import { TeamWorker, textsOf, type WorkerOptions } from './workers';

const workers: TeamWorker[] = [];
async function worker(objects: ConstructorParameters<typeof FaultyObjects>[0], options?: WorkerOptions) {
  const opened = await TeamWorker.open(objects, options);
  workers.push(opened);
  return opened;
}
afterEach(async () => {
  for (const opened of workers.splice(0)) await opened.close();
});

describe('a team’s memory', () => {
  it('gives one worker’s rows to another, byte for byte', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(300);
    const pushed = await (await worker(objects)).push(texts);
    expect(pushed).toMatchObject({ needed: 300, present: 0, encoded: 300, committed: 300 });
    const reader = await worker(objects);
    expect(await reader.pull(texts)).toMatchObject({ pulled: 300, missed: 0, harmed: 0 });
    expect(await reader.missing(texts)).toEqual([]);
    expect(reader.local.describe(reader.keysOf(texts)[0] as string)?.fromTeam).toBe(true);
  });

  it('encodes each record once among four workers that begin together', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(400);
    const four = await Promise.all([0, 1, 2, 3].map(() => worker(objects)));
    for (const each of four) each.encodeMs = 0.1;
    await Promise.all(four.map((each) => each.push(texts)));
    const encoded = four.reduce((sum, each) => sum + each.encoded.length, 0);
    expect(encoded).toBeLessThanOrEqual(1.05 * texts.length);
    const reader = await worker(objects);
    await reader.pull(texts);
    expect(await reader.missing(texts)).toEqual([]);
  });

  it('encodes and writes only what is new', async () => {
    const objects = new MemoryObjects();
    await (await worker(objects)).push(textsOf(100));
    const puts = objects.names('cas').length;
    const second = await worker(objects);
    expect(await second.push(textsOf(103))).toMatchObject({ present: 100, encoded: 3, committed: 3 });
    expect(objects.names('cas').length - puts).toBeLessThanOrEqual(3);
  });

  it('goes on where a worker died while it had leases', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(60);
    const dead = await worker(objects);
    dead.encode = () => Promise.reject(new Error('killed'));
    await expect(dead.push(texts)).rejects.toThrow('killed');
    expect(objects.names('lease')).toHaveLength(1);
    const heir = await worker(objects);
    await heir.push(texts, { leaseMs: 50 });
    expect(heir.encoded).toHaveLength(60);
  });

  it('does not believe in a clock that is a day off', async () => {
    for (const skewMs of [-24 * 3_600_000, 24 * 3_600_000]) {
      const objects = new MemoryObjects();
      objects.skewMs = skewMs;
      const four = await Promise.all([0, 1, 2, 3].map(() => worker(objects)));
      for (const each of four) each.encodeMs = 0.1;
      const texts = textsOf(200);
      await Promise.all(four.map((each) => each.push(texts)));
      expect(four.reduce((sum, each) => sum + each.encoded.length, 0)).toBeLessThanOrEqual(210);
    }
  });

  it('reads no record of another version or model', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(50);
    await (await worker(objects, { version: 'model-a' })).push(texts);
    await (await worker(objects, { version: 'model-b' })).push(texts);
    const third = await worker(objects, { version: 'model-c' });
    expect(await third.pull(texts)).toMatchObject({ pulled: 0, missed: 50 });
    for (const version of ['model-a', 'model-b'])
      expect(await (await worker(objects, { version })).pull(texts)).toMatchObject({ pulled: 50 });
  });
});

describe('a writer whom nobody trusts', () => {
  const stranger = new Uint8Array(32).fill(1);

  it.each([
    ['signs with another key', { signingKey: stranger }],
    ['does not sign', { signingKey: undefined }],
  ])('is ignored when it %s, and its records are encoded again', async (_, options) => {
    const objects = new MemoryObjects();
    const texts = textsOf(40);
    // It trusts itself, so that it commits all.
    const trust = new Trust([new Signer(stranger).writer], options.signingKey === undefined);
    await (await worker(objects, { ...options, trust })).push(texts);
    const reader = await worker(objects);
    expect(await reader.pull(texts)).toMatchObject({ pulled: 0, missed: 40 });
    expect(reader.team.size.untrusted).toBeGreaterThan(0);
    await reader.push(texts);
    expect(reader.encoded).toHaveLength(40);
    const other = await worker(objects);
    expect(await other.pull(texts)).toMatchObject({ pulled: 40 });
    expect(await other.missing(texts)).toEqual([]);
  });

  it('counts where unsigned entries are allowed', async () => {
    const objects = new MemoryObjects();
    const open: WorkerOptions = { signingKey: undefined, trust: new Trust([], true) };
    await (await worker(objects, open)).push(textsOf(10));
    expect(await (await worker(objects, open)).pull(textsOf(10))).toMatchObject({ pulled: 10 });
  });

  it('cannot move a signed entry to another place of the log', async () => {
    const objects = new MemoryObjects();
    await (await worker(objects)).push(textsOf(40));
    const [from] = objects.names('log');
    const moved = objects.objects.get(from as string);
    for (const shard of '01234567') {
      const folder = `${String(from).split('/')[0]}/log/${shard}`;
      for (let seq = 0; seq < 3; seq++) {
        const name = `${folder}/${String(seq).padStart(8, '0')}`;
        if (!objects.objects.has(name)) objects.objects.set(name, moved as NonNullable<typeof moved>);
      }
    }
    const reader = await worker(objects);
    await reader.team.refresh();
    expect(reader.team.size.records).toBe(40);
    expect(reader.team.size.untrusted).toBeGreaterThan(0);
  });
});

describe('damage in the store', () => {
  it('costs a miss, a vote and a new record', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(64);
    await (await worker(objects)).push(texts);
    for (const name of objects.names('cas')) objects.flip(name, 100);
    const reader = await worker(objects);
    const pulled = await reader.pull(texts);
    expect(pulled.harmed).toBeGreaterThan(0);
    expect(pulled.pulled + pulled.harmed).toBe(64);
    expect(await reader.missing(texts)).toHaveLength(pulled.harmed);
    expect(await reader.team.vote()).toBe(pulled.harmed);
    const mender = await worker(objects);
    expect(await mender.push(texts)).toMatchObject({ committed: pulled.harmed });
    const last = await worker(objects);
    expect(await last.pull(texts)).toMatchObject({ pulled: 64, harmed: 0 });
    expect(await last.missing(texts)).toEqual([]);
  });

  it('of a head or of the whole log costs reading or encoding again, never a wrong row', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(64);
    const writer = await worker(objects);
    for (let i = 0; i < 12; i++) await writer.push(textsOf(64, 1_000 + 64 * i));
    await writer.push(texts);
    expect(objects.names('head').length).toBeGreaterThan(0);
    for (const name of objects.names('head')) objects.flip(name, 30);
    expect(await (await worker(objects)).pull(texts)).toMatchObject({ pulled: 64 });
    for (const name of [...objects.names('log'), ...objects.names('head')]) objects.flip(name, 40);
    expect(await (await worker(objects)).pull(texts)).toMatchObject({ pulled: 0, missed: 64 });
  });

  it('of single packs that are gone makes a push encode them again', async () => {
    const objects = new MemoryObjects();
    const texts = textsOf(64);
    await (await worker(objects)).push(texts);
    const [gone] = objects.names('cas');
    objects.objects.delete(gone as string);
    const reader = await worker(objects);
    const { missed } = await reader.pull(texts);
    expect(missed).toBeGreaterThan(0);
    expect((await (await worker(objects)).push(texts)).committed).toBe(missed);
    expect(await (await worker(objects)).pull(texts)).toMatchObject({ pulled: 64 });
  });

  it('is read around: entries that a rule of the bucket removed hide nothing else', async () => {
    const objects = new MemoryObjects();
    const writer = await worker(objects);
    for (let i = 0; i < 2; i++) await writer.push(textsOf(64, 64 * i));
    const old = [...objects.names('head'), ...objects.names('log')];
    await writer.push(textsOf(64, 128));
    for (const name of [...old, ...objects.names('head')]) objects.objects.delete(name);
    const reader = await worker(objects);
    expect((await reader.pull(textsOf(192))).pulled).toBe(64);
  });
});

describe('a store that fails at random', () => {
  it.each([1, 2, 3, 4, 5, 6])('loses nothing and harms nothing (seed %i)', async (seed) => {
    const objects = new MemoryObjects();
    const random = generator(seed);
    const texts = textsOf(96);
    const faulty = [0.15, 0.15, 0.15].map((share) => new FaultyObjects(objects, random, share));
    const three = await Promise.all(faulty.map((each) => worker(each)));
    // A refusal ends a push; the next one goes on.
    for (let round = 0; round < 12; round++)
      await Promise.all(three.map((each) => each.push(texts, { leaseMs: 20 }).catch(() => undefined)));
    for (const each of faulty) each.share = 0;
    await three[0]?.push(texts, { leaseMs: 1 });
    const through = new FaultyObjects(objects, random, 0.3);
    const reader = await worker(through);
    await reader.pull(texts).catch(() => undefined);
    await reader.missing(texts);
    const last = await worker(objects);
    await last.pull(texts);
    expect(await last.missing(texts)).toEqual([]);
  });

  it('is left alone for a while, and says why', async () => {
    const down = new FaultyObjects(new MemoryObjects(), generator(1), 1, ['error']);
    const patience = { tries: 1, timeoutMs: 1_000, backoffMs: 1, mostRestMs: 60_000 };
    const reader = await worker(down, { patience });
    await expect(reader.pull(textsOf(5))).rejects.toThrow('500');
    const before = down.count['error'];
    await expect(reader.pull(textsOf(5))).rejects.toThrow('500');
    expect(down.count['error']).toBe(before);
    expect(reader.team.options.store.trouble?.message).toContain('500');
  });

  it('and that never answers ends by the time limit', async () => {
    const hanging = new MemoryObjects();
    hanging.get = () => new Promise(() => undefined);
    const reader = await worker(hanging, { patience: { tries: 1, timeoutMs: 20, backoffMs: 1, mostRestMs: 0 } });
    await expect(reader.pull(textsOf(5))).rejects.toThrow('in time');
  });

  it('and ignores conditions is refused before anything is written', async () => {
    const careless = new MemoryObjects();
    const put = careless.put.bind(careless);
    careless.put = (name, bytes) => put(name, bytes);
    const writer = await worker(careless);
    await expect(checkConditions(writer.team)).rejects.toThrow('conditional writes');
    await expect(checkConditions((await worker(new MemoryObjects())).team)).resolves.toBeUndefined();
    expect(careless.objects.size).toBe(0);
  });
});

describe('sweep', () => {
  it('deletes an orphan after two sweeps and seven days, and no sooner', async () => {
    const objects = new MemoryObjects();
    const writer = await worker(objects);
    await writer.push(textsOf(64));
    const committed = objects.names('cas').length;
    await objects.put(`${writer.team.folder}/cas/${'ab'.repeat(32)}`, new Uint8Array(100));
    expect(await sweep(writer.team)).toMatchObject({ deleted: 0, marked: 1 });
    expect(await sweep(writer.team)).toMatchObject({ deleted: 0, marked: 1 });
    objects.skewMs = GRACE_MS + 60_000;
    expect(await sweep(writer.team)).toMatchObject({ deleted: 1, marked: 0, bytesFreed: 100 });
    expect(objects.names('cas')).toHaveLength(committed);
    expect(await (await worker(objects)).pull(textsOf(64))).toMatchObject({ pulled: 64 });
  });

  it('is taken as a miss by a reader whose log is older', async () => {
    const objects = new MemoryObjects();
    const writer = await worker(objects);
    await writer.push(textsOf(64));
    const reader = await worker(objects);
    await reader.team.refresh();
    objects.skewMs = UNUSED_MS + 1;
    await sweep(writer.team, { used: [] });
    objects.skewMs += GRACE_MS;
    expect((await sweep(writer.team, { used: [] })).deleted).toBeGreaterThan(0);
    const pulled = await reader.team.pull(reader.keysOf(textsOf(64)), reader.local, () => true);
    expect(pulled).toMatchObject({ pulled: 0, missed: 64, harmed: 0 });
    expect(await reader.push(textsOf(64))).toMatchObject({ committed: 64 });
  });

  it('keeps packs of which one record is in use', async () => {
    const objects = new MemoryObjects();
    const writer = await worker(objects);
    await writer.push(textsOf(64));
    objects.skewMs = UNUSED_MS + 1;
    await sweep(writer.team, { used: writer.keysOf(textsOf(64)) });
    objects.skewMs += GRACE_MS + 1;
    expect(await sweep(writer.team, { used: writer.keysOf(textsOf(64)) })).toMatchObject({ deleted: 0, marked: 0 });
  });

  it('deletes the prefix of another version whole, a month after the last write, and nothing foreign', async () => {
    const objects = new MemoryObjects();
    await (await worker(objects, { version: 'old' })).push(textsOf(20));
    await objects.put('reports/2024.txt', new Uint8Array(3));
    const writer = await worker(objects);
    await writer.push(textsOf(20));
    expect(await sweep(writer.team)).toMatchObject({ versions: [] });
    objects.skewMs = OTHER_VERSION_MS + 60_000;
    expect((await sweep(writer.team)).versions).toHaveLength(1);
    expect([...objects.objects.keys()].filter((name) => !name.startsWith(writer.team.folder))).toEqual([
      'reports/2024.txt',
    ]);
  });
});
