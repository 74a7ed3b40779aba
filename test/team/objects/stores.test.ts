/** The object stores: conditional writes, ranges, listings, and what each failure becomes. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCredentials } from '../../../src/team/objects/aws-credentials';
import { FileStore } from '../../../src/team/objects/file-store';
import { listAll, type ObjectStore } from '../../../src/team/objects/object-store';
import { S3Store } from '../../../src/team/objects/s3-store';
import { S3Server } from '../s3-server';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: { bytes: Uint8Array } | undefined): string => new TextDecoder().decode(found?.bytes);

let directory: string;
let server: S3Server;
let endpoint: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-objects-'));
  server = new S3Server();
  endpoint = await server.start();
});
afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const s3 = (): S3Store =>
  new S3Store({
    bucket: 'team',
    prefix: 'some/prefix',
    region: 'eu-central-1',
    endpoint,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
  });

describe.each<[string, () => ObjectStore]>([
  ['a shared directory', () => new FileStore(directory)],
  ['S3', s3],
])('%s', (_, open) => {
  it('writes an object once, if that is asked for', async () => {
    const store = open();
    expect(await store.put('a/log/00000001', bytes('first'), { ifAbsent: true })).not.toBe('conflict');
    expect(await store.put('a/log/00000001', bytes('second'), { ifAbsent: true })).toBe('conflict');
    expect(text(await store.get('a/log/00000001'))).toBe('first');
    expect(await store.get('a/log/00000002')).toBeUndefined();
  });

  it('replaces an object only over the content that is known', async () => {
    const store = open();
    expect(await store.put('head', bytes('none'), { ifTag: 'abc' })).toBe('conflict');
    await store.put('head', bytes('one'));
    const found = await store.get('head');
    const written = await store.put('head', bytes('two'), { ifTag: found?.tag ?? '' });
    expect(written).not.toBe('conflict');
    expect(await store.put('head', bytes('three'), { ifTag: found?.tag ?? '' })).toBe('conflict');
    expect(await store.put('head', bytes('three'), { ifTag: (written as { tag: string }).tag })).not.toBe('conflict');
    expect(text(await store.get('head'))).toBe('three');
  });

  it('has one winner of sixteen that create at once', async () => {
    const store = open();
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 16 }, (_, i) =>
        store.put(`race/${round}`, bytes(String(i)), { ifAbsent: true }),
      );
      expect((await Promise.all(all)).filter((written) => written !== 'conflict')).toHaveLength(1);
    }
  });

  it('reads ranges, lists in order and deletes', async () => {
    const store = open();
    for (const name of ['v/cas/b', 'v/cas/a', 'v/log/1/0', 'w&x/cas/c d']) await store.put(name, bytes('0123456789'));
    expect(text(await store.get('v/cas/a', { range: { from: 2, to: 5 } }))).toBe('234');
    expect((await store.list('v/')).map(({ name, bytes: size }) => [name, size])).toEqual([
      ['v/cas/a', 10],
      ['v/cas/b', 10],
      ['v/log/1/0', 10],
    ]);
    expect((await store.list('', { after: 'v/cas/b', limit: 1 })).map(({ name }) => name)).toEqual(['v/log/1/0']);
    const names: string[] = [];
    for await (const { name } of listAll(store, '')) names.push(name);
    expect(names).toEqual(['v/cas/a', 'v/cas/b', 'v/log/1/0', 'w&x/cas/c d']);
    await store.delete('v/cas/a');
    await store.delete('v/cas/a');
    expect(await store.get('v/cas/a')).toBeUndefined();
  });

  it('tells the time of the store', async () => {
    expect(Math.abs((await open().now()) - Date.now())).toBeLessThan(60_000);
  });
});

describe('S3', () => {
  it.each([
    [403, 'denied'],
    [429, 'busy'],
    [503, 'busy'],
    [500, 'unavailable'],
  ])('calls %i %s', async (status, code) => {
    server.misbehave = (_request, response) => {
      response.statusCode = status;
      response.end('<Error/>');
      return true;
    };
    await expect(s3().get('a')).rejects.toMatchObject({ code });
    await expect(s3().put('a', bytes('x'))).rejects.toMatchObject({ code });
    await expect(s3().list('a')).rejects.toMatchObject({ code });
  });

  it('fails for a body that ends early and for a connection that is cut', async () => {
    server.misbehave = (request, response) => {
      if (request.url?.includes('cut')) {
        response.destroy();
        return true;
      }
      response.writeHead(200, { 'content-length': 100 });
      response.write('only this', () => response.destroy());
      return true;
    };
    await expect(s3().get('short')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(s3().get('cut')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('follows no redirect, and sends its key to no one else', async () => {
    server.misbehave = (_request, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/' });
      response.end();
      return true;
    };
    await expect(s3().get('a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers.authorization).not.toContain('secret');
  });
});

describe('a shared directory', () => {
  it('leaves no half-written object, and takes none for an object', async () => {
    mkdirSync(join(directory, 'v/cas'), { recursive: true });
    writeFileSync(join(directory, 'v/cas/.tmp-0011'), 'half');
    const store = new FileStore(directory);
    await store.put('v/cas/whole', bytes('x'));
    expect((await store.list('v/')).map(({ name }) => name)).toEqual(['v/cas/whole']);
    expect(readdirSync(join(directory, 'v/cas')).sort()).toEqual(['.tmp-0011', 'whole']);
  });

  it('takes over the lock of a writer that died', async () => {
    const store = new FileStore(directory);
    await store.put('head', bytes('one'));
    const { tag } = (await store.get('head')) as { tag: string };
    writeFileSync(join(directory, 'head.lock'), '');
    expect(await store.put('head', bytes('two'), { ifTag: tag })).toBe('conflict');
    const old = new Date(Date.now() - 60_000);
    utimesSync(join(directory, 'head.lock'), old, old);
    expect(await store.put('head', bytes('two'), { ifTag: tag })).not.toBe('conflict');
  });

  it('refuses names that lead elsewhere', async () => {
    await expect(new FileStore(directory).get('../secrets')).rejects.toMatchObject({ code: 'misconfigured' });
  });
});

describe('credentials of S3', () => {
  it('come from the environment, then from the files of the profile', async () => {
    mkdirSync(join(directory, '.aws'));
    writeFileSync(
      join(directory, '.aws/credentials'),
      '[default]\naws_access_key_id = A\naws_secret_access_key = B\n\n[work]\naws_access_key_id=C\naws_secret_access_key=D\n',
    );
    writeFileSync(
      join(directory, '.aws/config'),
      '[default]\nregion = eu-north-1\n[profile work]\nregion = us-west-2\n',
    );
    const files = { HOME: directory };
    expect(await findCredentials(files)).toEqual({
      credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
      region: 'eu-north-1',
    });
    expect(await findCredentials({ ...files, AWS_PROFILE: 'work' })).toEqual({
      credentials: { accessKeyId: 'C', secretAccessKey: 'D' },
      region: 'us-west-2',
    });
    expect(
      (await findCredentials({ ...files, AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'F', AWS_SESSION_TOKEN: 'G' }))
        .credentials,
    ).toEqual({ accessKeyId: 'E', secretAccessKey: 'F', sessionToken: 'G' });
    expect(await findCredentials({ HOME: join(directory, 'none') })).toEqual({});
  });
});
