/**
 * Leases tell workers who encodes which part, so that two of them seldom encode the same. They guard nothing: a worker
 * that ignores them, or whose clock is wrong, wastes work and harms no one. Their age is by the store's clock alone.
 */
import { randomBytes } from 'node:crypto';
import type { ObjectStore } from '../objects/object-store';

/** Time (ms) after which a lease that is not renewed may be taken over. */
export const LEASE_MS = 60_000;

export interface LeaseOptions {
  store: ObjectStore;
  version: string;
  leaseMs?: number;
}

/** A part that this process works on. */
export interface Lease {
  /** Extends the lease. Resolves to false when another worker has taken it over. */
  renew(signal?: AbortSignal): Promise<boolean>;
  /** Gives the part back. Never rejects: without it, the lease ends by itself. */
  release(signal?: AbortSignal): Promise<void>;
}

export class Leases {
  /** Names this process among the workers. */
  private readonly holder = randomBytes(16).toString('hex');

  constructor(private readonly options: LeaseOptions) {}

  /** Takes the lease of a part. Undefined while another worker holds it. @throws ObjectStoreError */
  async take(part: string, signal?: AbortSignal): Promise<Lease | undefined> {
    const { store, version, leaseMs = LEASE_MS } = this.options;
    const name = `${version}/lease/${part}`;
    const own = new TextEncoder().encode(this.holder);
    let written = await store.put(name, own, { ifAbsent: true, signal });
    if (written === 'conflict') {
      const found = await store.get(name, { signal });
      if (found && this.isOther(found.bytes) && (await store.now(signal)) - found.modifiedMs < leaseMs)
        return undefined;
      written = await store.put(name, own, { ...(found ? { ifTag: found.tag } : { ifAbsent: true }), signal });
      if (written === 'conflict') return undefined;
    }
    return this.leaseOf(name, written.tag);
  }

  /** Whether another worker holds the lease. A lease that was given back is empty. */
  private isOther(bytes: Uint8Array): boolean {
    const holder = new TextDecoder().decode(bytes);
    return holder !== '' && holder !== this.holder;
  }

  private leaseOf(name: string, first: string): Lease {
    const { store } = this.options;
    const own = new TextEncoder().encode(this.holder);
    let tag = first;
    return {
      // A renewal writes the content anew, which renews its time.
      renew: async (renewing) => {
        const renewed = await store.put(name, own, { ifTag: tag, signal: renewing });
        if (renewed === 'conflict') return false;
        tag = renewed.tag;
        return true;
      },
      release: async (releasing) => {
        await store.put(name, new Uint8Array(0), { ifTag: tag, signal: releasing }).catch(() => undefined);
      },
    };
  }
}
