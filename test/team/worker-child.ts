/**
 * A worker process of the kill tests and the bench: pushes texts to a store, encoding each for a given time. With
 * `killAt` it kills itself before or after its n-th request that writes.
 *
 *     node worker-child.mjs '{"address": …, "texts": [from, to], "encodeMs": 0, "killAt": 3, "after": true}'
 */
import { FileStore } from '../../src/team/objects/file-store';
import type { ObjectStore } from '../../src/team/objects/object-store';
import { S3Store } from '../../src/team/objects/s3-store';
import { TeamWorker, textsOf } from './workers';

export interface ChildTask {
  /** A directory, or the endpoint of an S3 server. */
  address: string;
  texts: readonly [from: number, count: number];
  encodeMs?: number;
  /** Number of the request at which the process kills itself, from 1. */
  killAt?: number;
  /** Kills after the request has arrived, and before its answer is used. */
  after?: boolean;
  leaseMs?: number;
  packBytes?: number;
}

export function storeAt(address: string): ObjectStore {
  if (!address.startsWith('http')) return new FileStore(address);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new S3Store({ bucket: 'team', prefix: 'rows', region: 'us-east-1', endpoint: address, credentials });
}

/** Kills this process at one of its requests, as a power failure would. */
function deadly(store: ObjectStore, { killAt = Infinity, after = false }: ChildTask): ObjectStore {
  let requests = 0;
  const at = async <T>(work: () => Promise<T>): Promise<T> => {
    const dies = ++requests === killAt;
    if (dies && !after) process.kill(process.pid, 'SIGKILL');
    const result = await work();
    if (dies) process.kill(process.pid, 'SIGKILL');
    return result;
  };
  return {
    address: store.address,
    get: (name, options) => at(() => store.get(name, options)),
    put: (name, bytes, options) => at(() => store.put(name, bytes, options)),
    delete: (name, signal) => at(() => store.delete(name, signal)),
    list: (prefix, options) => at(() => store.list(prefix, options)),
    now: (signal) => store.now(signal),
  };
}

async function main(task: ChildTask): Promise<void> {
  const { address, texts, encodeMs = 0, leaseMs, packBytes } = task;
  const worker = await TeamWorker.open(deadly(storeAt(address), task));
  worker.encodeMs = encodeMs;
  process.stdout.write('ready\n');
  if (process.argv[3] === 'wait') await new Promise((resolve) => process.stdin.once('data', resolve));
  const started = performance.now();
  const result = await worker.push(textsOf(texts[1], texts[0]), {
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(packBytes === undefined ? {} : { packBytes }),
    waitMs: 50,
  });
  const seconds = (performance.now() - started) / 1_000;
  process.stdout.write(`${JSON.stringify({ ...result, seconds, counts: worker.team.options.store.counts })}\n`);
  await worker.close();
  process.exit(0);
}

if (process.argv[2]?.startsWith('{')) void main(JSON.parse(process.argv[2]) as ChildTask);
