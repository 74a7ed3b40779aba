/** An object store in memory, and one whose operations fail at random, for tests of the protocol. */
import { sha256 } from '../../src/base/node';
import {
  type GetOptions,
  type ListedObject,
  type ListOptions,
  MOST_LISTED,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from '../../src/team/objects/object-store';
import type { Random } from '../campaigns/drive';

export class MemoryObjects implements ObjectStore {
  readonly address = 'memory://test';
  readonly objects = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  /** Added to the clock of this machine. */
  skewMs = 0;

  get(name: string, { range }: GetOptions = {}): Promise<StoredObject | undefined> {
    const found = this.objects.get(name);
    if (!found) return Promise.resolve(undefined);
    const { bytes, modifiedMs } = found;
    // A copy, also of a Buffer, whose `slice` is a view.
    const part = new Uint8Array(range ? bytes.subarray(range.from, range.to) : bytes);
    return Promise.resolve({ bytes: part, tag: sha256(bytes), modifiedMs });
  }

  put(name: string, bytes: Uint8Array, { ifAbsent, ifTag }: PutOptions = {}): Promise<{ tag: string } | 'conflict'> {
    const present = this.objects.get(name);
    if (ifAbsent && present) return Promise.resolve('conflict');
    if (ifTag !== undefined && (!present || sha256(present.bytes) !== ifTag)) return Promise.resolve('conflict');
    this.objects.set(name, { bytes: new Uint8Array(bytes), modifiedMs: this.clock });
    return Promise.resolve({ tag: sha256(bytes) });
  }

  delete(name: string): Promise<void> {
    this.objects.delete(name);
    return Promise.resolve();
  }

  list(prefix: string, { after = '', limit = MOST_LISTED }: ListOptions = {}): Promise<readonly ListedObject[]> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    return Promise.resolve(
      names.slice(0, limit).map((name) => {
        const { bytes, modifiedMs } = this.objects.get(name) as { bytes: Uint8Array; modifiedMs: number };
        return { name, bytes: bytes.byteLength, modifiedMs };
      }),
    );
  }

  now(): Promise<number> {
    return Promise.resolve(this.clock);
  }

  private get clock(): number {
    return Date.now() + this.skewMs;
  }

  /** Names of objects in a folder of any version. */
  names(folder: string): string[] {
    return [...this.objects.keys()].filter((name) => name.split('/')[1] === folder).sort();
  }

  /** Flips one bit of an object. */
  flip(name: string, at: number): void {
    const found = this.objects.get(name);
    if (!found) throw new Error(`there is no ${name}`);
    const bytes = new Uint8Array(found.bytes);
    bytes[at] = (bytes[at] as number) ^ 1;
    this.objects.set(name, { ...found, bytes });
  }
}

export const FAULTS = [
  'delay',
  'cut',
  'lostAnswer',
  'denied',
  'conflict',
  'busy',
  'error',
  'truncated',
  'flipped',
  'missing',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Makes a share of the operations fail, each in one of the ways in which stores and networks fail. */
export class FaultyObjects implements ObjectStore {
  readonly address = 'memory://faulty';
  readonly count: Record<string, number> = {};

  constructor(
    private readonly store: ObjectStore,
    private readonly random: Random,
    /** Share of operations with a fault; may be changed at any time. */
    public share: number,
    private readonly faults: readonly Fault[] = FAULTS,
  ) {}

  private async next(): Promise<Fault | undefined> {
    if (this.random() >= this.share) return undefined;
    const fault = this.faults[Math.floor(this.random() * this.faults.length)] as Fault;
    this.count[fault] = (this.count[fault] ?? 0) + 1;
    if (fault === 'delay') await new Promise((resolve) => setTimeout(resolve, 5 * this.random()));
    if (fault === 'cut') throw new ObjectStoreError('unavailable', 'the connection was cut');
    if (fault === 'denied') throw new ObjectStoreError('denied', 'refused (403)');
    if (fault === 'busy') throw new ObjectStoreError('busy', 'too many requests (429)');
    if (fault === 'error') throw new ObjectStoreError('unavailable', 'error 500');
    return fault;
  }

  async get(name: string, options: GetOptions = {}): Promise<StoredObject | undefined> {
    const fault = await this.next();
    if (fault === 'missing') return undefined;
    const found = await this.store.get(name, options);
    if (!found || found.bytes.length === 0) return found;
    const at = Math.floor(this.random() * found.bytes.length);
    if (fault === 'truncated') return { ...found, bytes: found.bytes.subarray(0, at) };
    if (fault === 'flipped') found.bytes[at] = (found.bytes[at] as number) ^ (1 << Math.floor(8 * this.random()));
    return found;
  }

  async put(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ tag: string } | 'conflict'> {
    const fault = await this.next();
    if (fault === 'conflict' && (options.ifAbsent || options.ifTag !== undefined)) return 'conflict';
    const written = await this.store.put(name, bytes, options);
    if (fault === 'lostAnswer') throw new ObjectStoreError('unavailable', 'the answer was lost');
    return written;
  }

  async delete(name: string): Promise<void> {
    await this.next();
    await this.store.delete(name);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly ListedObject[]> {
    const fault = await this.next();
    const listed = await this.store.list(prefix, options);
    return fault === 'missing' ? listed.slice(0, Math.floor(this.random() * listed.length)) : listed;
  }

  async now(): Promise<number> {
    await this.next();
    return this.store.now();
  }
}
