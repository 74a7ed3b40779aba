/**
 * A billion tokens by simulation over the real client: manifests, hash tables, sketches, ranged reads and verification
 * are the product's; the texts are synthetic. A store makes packs from their numbers whenever they are read, with the
 * delay of a real one.
 */
import { createHash } from 'node:crypto';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { LateInteraction, type MemoryStore, halves } from '../../../src/memory';
import { decodeRecord, encodeRecord, HEADER_BYTES } from '../../../src/memory/store/record';
import { encodeEntry, EntryKind } from '../../../src/team/log/entry';
import { encodeManifest, type ManifestRecord } from '../../../src/team/log/manifest';
import { RecordNames, Signer, Trust } from '../../../src/team/log/team-keys';
import type { GetOptions, ListedObject, ObjectStore, StoredObject } from '../../../src/team/objects/object-store';
import { IMPATIENT, PatientStore } from '../../../src/team/objects/patient-store';
import { buildSketch } from '../../../src/team/packs/sketch';
import { Prefilter } from '../../../src/team/packs/prefilter';
import { SHARDS, TeamMemory, versionFolder } from '../../../src/team/team-memory';
import type { TokenNeighbours } from '../../../src/protocol/memory';
import { generator } from '../../../src/engine/generate/sampling';
import { SECRET, SIGNING_KEY } from '../../team/workers';

const TOKENS = 1_000_000_000;
const RECORD_TOKENS = 600;
/** Records of a pack of 32 MB. */
const PACK_RECORDS = 1_000;
/** Bytes of a real record, for the delay of a read. The synthetic one has its token ids and no rows. */
const RECORD_BYTES = 33_000;
const DELAY_MS = 30;
const BYTES_PER_MS = 50_000;
const VOCABULARY = 16_384;
const VERSION = 'billion';
const QUESTIONS = 60;
const QUESTION_TOKENS = 10;
const MOST_OPENED = 48;
const MOST_READS = 40;
/** Prices of S3 in us-east-1 in dollars: 1,000 PUTs, 1,000 GETs, a GB a month. */
const PRICES = { puts: 0.005, gets: 0.0004, month: 0.023 };

const names = new RecordNames(SECRET);
const signer = new Signer(SIGNING_KEY);

const contentKey = (record: number): string => createHash('md5').update(`record ${record}`).digest('hex');

/** Tokens by Zipf's law. A record is made of stretches of them, which is quicker than drawing each token. */
const POOL = (() => {
  const random = generator(1);
  return Uint16Array.from({ length: 1 << 20 }, () => Math.floor(VOCABULARY ** random()) - 1);
})();
const STRETCH = 50;

function idsOf(record: number): Uint16Array {
  const ids = new Uint16Array(RECORD_TOKENS);
  for (let at = 0, state = record + 1; at < RECORD_TOKENS; at += STRETCH) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223 + at) | 0;
    const from = (state >>> 7) % (POOL.length - STRETCH);
    for (let i = 0; i < STRETCH; i++) ids[at + i] = POOL[from + i] as number;
  }
  return ids;
}

function recordBytes(record: number): Uint8Array {
  const ids = new Uint8Array(idsOf(record).buffer);
  const none = new Uint8Array(0);
  const sizes = { key: contentKey(record), tokens: RECORD_TOKENS, coarseRows: 0, restRows: 0, bytesPerRow: 0 };
  return encodeRecord(sizes, { ids, passages: none, coarse: none, rest: none });
}

/** Serves packs and logs of a billion tokens. */
class SyntheticStore implements ObjectStore {
  readonly address = 'synthetic://billion';
  private readonly logs: Uint8Array[][] = Array.from({ length: SHARDS }, () => []);
  private readonly packs = new Map<string, { sketch: Uint8Array; records: number[]; offset: number }>();
  bytes = 0;

  constructor(records: number) {
    const shards: number[][] = Array.from({ length: SHARDS }, () => []);
    for (let record = 0; record < records; record++)
      (shards[((names.keyOf(contentKey(record))[0] as number) * SHARDS) >> 8] as number[]).push(record);
    shards.forEach((own, shard) => {
      for (let at = 0; at < own.length; at += PACK_RECORDS) this.commit(shard, own.slice(at, at + PACK_RECORDS));
    });
  }

  private commit(shard: number, records: number[]): void {
    const length = HEADER_BYTES + 2 * RECORD_TOKENS;
    const rows = records.map((record, i): ManifestRecord => ({
      key: names.keyOf(contentKey(record)),
      digest: createHash('sha256').update(recordBytes(record)).digest(),
      offset: i * length,
      length,
      tokens: RECORD_TOKENS,
    }));
    const sketch = buildSketch(records.map(idsOf));
    const digest = createHash('sha256').update(`pack ${records[0]}`).digest();
    const from = records.length * length;
    const facts = {
      digest,
      bytes: from + sketch.byteLength,
      sketch: { from, bytes: sketch.byteLength, digest: createHash('sha256').update(sketch).digest() },
    };
    const log = this.logs[shard] as Uint8Array[];
    const place = `${versionFolder(VERSION)}/${shard.toString(16)}/${log.length}`;
    log.push(encodeEntry(EntryKind.Pack, encodeManifest(facts, rows), place, signer));
    this.packs.set(digest.toString('hex'), { sketch, records, offset: from });
    this.bytes += records.length * RECORD_BYTES + sketch.byteLength;
  }

  get packCount(): number {
    return this.packs.size;
  }

  async get(name: string, { range }: GetOptions = {}): Promise<StoredObject | undefined> {
    const [, kind, ...rest] = name.split('/');
    if (kind === 'log') {
      const entry = this.logs[parseInt(rest[0] as string, 16)]?.[Number(rest[1])];
      return entry && { bytes: entry, tag: '', modifiedMs: 0 };
    }
    const pack = kind === 'cas' ? this.packs.get(rest[0] as string) : undefined;
    if (!pack || !range) return undefined;
    if (range.from >= pack.offset) return { bytes: pack.sketch, tag: '', modifiedMs: 0 };
    const length = HEADER_BYTES + 2 * RECORD_TOKENS;
    const wanted = pack.records.slice(range.from / length, range.to / length);
    await sleep(DELAY_MS + (wanted.length * RECORD_BYTES) / BYTES_PER_MS);
    return { bytes: Buffer.concat(wanted.map(recordBytes)), tag: '', modifiedMs: 0 };
  }

  list(prefix: string, { after = '' }: { after?: string } = {}): Promise<readonly ListedObject[]> {
    const shard = parseInt(prefix.split('/')[2] as string, 16);
    const listed = (this.logs[shard] ?? []).map((entry, seq) => ({
      name: `${prefix}${String(seq).padStart(8, '0')}`,
      bytes: entry.byteLength,
      modifiedMs: 0,
    }));
    return Promise.resolve(listed.filter(({ name }) => name > after));
  }

  put(): Promise<'conflict'> {
    return Promise.resolve('conflict');
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }
}

/** A question of tokens of one record, with the neighbours that a model would give. */
function questionAbout(record: number): TokenNeighbours {
  const ids = [...new Set(idsOf(record))].sort((a, b) => b - a).slice(0, QUESTION_TOKENS);
  const random = generator(record + 77);
  const near = ids.map((id) => [id, ...Array.from({ length: 7 }, () => Math.floor(random() * VOCABULARY))]);
  const similarities = near.flatMap((all) => all.map((_, i) => (i === 0 ? 1 : 0.5 + 0.2 * random())));
  return {
    weights: Float32Array.from(ids, () => 1),
    lengths: Float32Array.from(ids, () => 1),
    starts: Int32Array.from({ length: ids.length + 1 }, (_, i) => 8 * i),
    ids: Uint32Array.from(near.flat()),
    similarities: Float32Array.from(similarities),
  };
}

export async function benchBillion(tokens = TOKENS): Promise<void> {
  const records = Math.floor(tokens / RECORD_TOKENS);
  const store = new SyntheticStore(records);
  const patient = new PatientStore(store, IMPATIENT);
  const trust = new Trust([signer.writer], false);
  const team = new TeamMemory({ store: patient, names, trust, version: VERSION });
  const opening = process.cpuUsage();
  await team.refresh();
  const prefilter = new Prefilter(team);
  await prefilter.bind(Array.from({ length: records }, (_, record) => contentKey(record)));
  const { user, system } = process.cpuUsage(opening);
  const opened = { ...patient.counts };
  const times: number[] = [];
  const processor: number[] = [];
  const gets: number[] = [];
  let found = 0;
  for (let i = 0; i < QUESTIONS; i++) {
    const target = Math.floor(((i + 0.5) / QUESTIONS) * records);
    const question = questionAbout(target);
    const local = new Map<string, Uint16Array>();
    const into = {
      has: (key: string) => local.has(key),
      hasRoom: () => true,
      put: ((key, _tokens, _rows, { ids }) => {
        local.set(key, halves(new Uint8Array(ids)));
        return Promise.resolve();
      }) as MemoryStore['put'],
    };
    const before = patient.counts.gets;
    const started = performance.now();
    const cpu = process.cpuUsage();
    const best = prefilter.best(question, 4, MOST_OPENED);
    await team.pull(best, into, () => true, { mostReads: MOST_READS });
    const late = new LateInteraction(question, VOCABULARY, { blockTokens: 32, sharpness: 4 });
    const ranked = [...local].map(([key, ids]) => ({ key, ...late.score(ids) }));
    ranked.sort((a, b) => b.segment - a.segment);
    times.push(performance.now() - started);
    const used = process.cpuUsage(cpu);
    // The reads run in lanes of eight, each with its delay.
    const delay = Math.ceil((patient.counts.gets - before) / 8) * (DELAY_MS + RECORD_BYTES / BYTES_PER_MS);
    processor.push((used.user + used.system) / 1_000 + delay);
    gets.push(patient.counts.gets - before);
    if (ranked[0]?.key === contentKey(target)) found += 1;
  }
  const at = (of: readonly number[], share: number): string =>
    ([...of].sort((a, b) => a - b)[Math.floor(share * (of.length - 1))] as number).toFixed(0);
  const entries = store.packCount;
  // A pack and an entry each; a head every eight entries; leases are taken and given back.
  const puts = 2 * entries + Math.ceil(entries / 8) + 2 * 256;
  const gb = store.bytes / 1e9;
  const pushed = (puts / 1_000) * PRICES.puts;
  const asked = (Math.max(...gets) / 1_000) * PRICES.gets;
  const size = `${(tokens / 1e9).toFixed(2)}B tokens`;
  console.log(`| ${size}: records, packs, GB | ${records}, ${entries}, ${gb.toFixed(1)} |`);
  console.log(`| ${size}: PUTs | ${puts} |`);
  console.log(
    `| ${size}: GETs to open everything once, of a question at most | ${opened.gets}, ${Math.max(...gets)} |`,
  );
  console.log(
    `| ${size}: dollars to write, to keep for a month, for 1,000 questions | ${pushed.toFixed(2)}, ` +
      `${(gb * PRICES.month).toFixed(2)}, ${(1_000 * asked).toFixed(3)} |`,
  );
  console.log(`| ${size}: processor seconds to open | ${((user + system) / 1e6).toFixed(1)} |`);
  console.log(
    `| ${size}: question, processor time and delay of the store, median and p95 | ` +
      `${at(processor, 0.5)} ms, ${at(processor, 0.95)} ms |`,
  );
  console.log(
    `| ${size}: question, by the clock, load ${loadavg()[0]?.toFixed(0)}, median and p95 | ` +
      `${at(times, 0.5)} ms, ${at(times, 0.95)} ms |`,
  );
  console.log(`| ${size}: questions whose record came first | ${found} of ${QUESTIONS} |`);
  console.log(
    `| ${size}: peak memory, with the store itself | ${(process.resourceUsage().maxRSS / 1024 ** 2).toFixed(2)} GB |`,
  );
  if (!decodeRecord(recordBytes(0))) throw new Error('the synthetic records are not sound');
}
