/** Workers on one workspace and one team's memory, each with a local store and a coder that makes bytes from text. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, MemoryStore } from '../../src/memory';
import { memoryKey } from '../../src/memory/encode/encoding-units';
import { RecordNames, Signer, Trust } from '../../src/team/log/team-keys';
import type { ObjectStore } from '../../src/team/objects/object-store';
import { type Patience, PatientStore } from '../../src/team/objects/patient-store';
import { Push, type PushOptions, type PushResult } from '../../src/team/push';
import { TeamMemory } from '../../src/team/team-memory';
import { BYTES_PER_ROW, memoryOf } from '../memory/byte-coder';

export const SECRET = new Uint8Array(32).fill(7);
export const SIGNING_KEY = new Uint8Array(32).fill(9);
export const VERSION = 'bytes:1';
export const QUICK: Patience = { tries: 8, timeoutMs: 5_000, backoffMs: 1, mostRestMs: 0 };

export const textsOf = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `function part${from + i}() {\n  return ${from + i} * 17;\n}\n`.repeat(6));

export interface WorkerOptions {
  version?: string;
  /** Undefined for a writer that signs nothing. */
  signingKey?: Uint8Array | undefined;
  trust?: Trust;
  patience?: Patience;
}

export class TeamWorker {
  readonly team: TeamMemory;
  readonly directory = mkdtempSync(join(tmpdir(), 'anchorage-team-'));
  readonly version: string;
  /** Texts that this worker has encoded. */
  encoded: string[] = [];
  /** Time (ms) that the encoding of one text takes. */
  encodeMs = 0;
  private readonly texts = new Map<string, string>();

  private constructor(
    readonly objects: ObjectStore,
    readonly local: MemoryStore,
    options: WorkerOptions,
  ) {
    const { version = VERSION, patience = QUICK } = options;
    const signer = 'signingKey' in options ? undefined : new Signer(SIGNING_KEY);
    const own = options.signingKey ? new Signer(options.signingKey) : signer;
    this.version = version;
    this.team = new TeamMemory({
      store: new PatientStore(objects, patience),
      names: new RecordNames(SECRET),
      trust: options.trust ?? new Trust([new Signer(SIGNING_KEY).writer], false),
      ...(own ? { signer: own } : {}),
      version,
      cacheDirectory: join(this.directory, 'cache'),
    });
  }

  static async open(objects: ObjectStore, options: WorkerOptions = {}): Promise<TeamWorker> {
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-local-'));
    const version = options.version ?? VERSION;
    const local = await MemoryStore.open({ directory: join(directory, 'store'), budgetBytes: 1e9, version });
    return new TeamWorker(objects, local, options);
  }

  keysOf(texts: readonly string[]): string[] {
    return texts.map((text) => {
      const key = memoryKey(text, this.version);
      this.texts.set(key, text);
      return key;
    });
  }

  push(texts: readonly string[], options: PushOptions = {}): Promise<PushResult> {
    const source = {
      keys: this.keysOf(texts),
      stored: (key: string) => this.local.record(key),
      encode: async (keys: readonly string[]) => {
        for (const key of keys) {
          if (this.encodeMs > 0) await new Promise((resolve) => setTimeout(resolve, this.encodeMs));
          await this.encode(key);
        }
      },
    };
    return new Push(this.team, source, { waitMs: 5, ...options }).run();
  }

  async encode(key: string): Promise<void> {
    const text = this.texts.get(key) as string;
    const { tokens, coarseRows: coarse, restRows: rest, bytesPerRow, ...parts } = memoryOf(text);
    this.encoded.push(text);
    await this.local.put(key, tokens, { coarse, rest, bytesPerRow }, parts);
  }

  /** Reads records into the local store. */
  async pull(texts: readonly string[]): ReturnType<TeamMemory['pull']> {
    await this.team.refresh({ force: true });
    return this.team.pull(this.keysOf(texts), this.local, ({ bytesPerRow }) => bytesPerRow === BYTES_PER_ROW);
  }

  /** Compares every stored record with what its text encodes to. Returns the texts that are not stored. */
  async missing(texts: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const [i, key] of this.keysOf(texts).entries()) {
      const record = await this.local.record(key);
      const decoded = record && decodeRecord(record);
      if (!decoded) {
        missing.push(texts[i] as string);
        continue;
      }
      const { ids, passages, coarse, rest } = memoryOf(texts[i] as string);
      for (const [name, bytes] of Object.entries({ ids, passages, coarse, rest }))
        if (Buffer.compare(decoded.payload[name as 'ids'], bytes) !== 0)
          throw new Error(`harmed rows were stored: ${name} of ${String(texts[i]).slice(0, 30)}`);
    }
    return missing;
  }

  async close(): Promise<void> {
    await this.local.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
