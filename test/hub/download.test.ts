import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadFile, type PublishedFile } from '../../src/hub';
import { assertDiskSpace } from '../../src/hub/download';
import { retryAfter } from '../../src/hub/http';
import { breakAfter, gitBlob, serve, sha256, TestHub } from './server';

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const file: PublishedFile = {
  name: 'w.safetensors',
  size: content.length,
  digest: { kind: 'sha256', hex: sha256(content) },
};
const QUICK = { firstDelay: 1, longestDelay: 2, attempts: 4, idleTimeout: 400, longestRetryAfter: 1000 };

let hub: TestHub;
let directory: string;
let target: string;
beforeEach(async () => {
  hub = await new TestHub().start();
  hub.files.set(file.name, content);
  directory = await mkdtemp(join(tmpdir(), 'hub-'));
  target = join(directory, file.name);
});
afterEach(() => hub.stop());

const url = () => `${hub.endpoint}/o/m/resolve/${hub.commit}/${file.name}`;
const download = (options: Partial<Parameters<typeof downloadFile>[3]> = {}, published = file) =>
  downloadFile(url(), published, target, { fetch, retry: QUICK, ...options });
const complete = async () => {
  expect((await readFile(target)).equals(content)).toBe(true);
  expect(await readdir(directory)).toEqual([file.name]);
};

describe('a download', () => {
  it('is complete, verified by either kind of digest, with progress', async () => {
    const seen: number[] = [];
    await download({ onProgress: (bytes) => seen.push(bytes) });
    await complete();
    expect(seen.at(-1)).toBe(content.length);
    await download({}, { ...file, digest: { kind: 'git', hex: gitBlob(content) } });
    await complete();
  });

  it('resumes where the connection broke, any number of times while there is progress', async () => {
    hub.misbehave = (request, response, bytes) => {
      if (Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0) >= 270_000) return false;
      breakAfter(request, response, bytes, 30_000);
      return true;
    };
    await download();
    await complete();
    const ranges = hub.ranges(file.name);
    expect(ranges.length).toBeGreaterThan(QUICK.attempts);
    expect(ranges[1]).toMatch(/^bytes=\d{4,}-$/);
  });

  it('resumes a partial file in another process, and restarts if it belongs to another file', async () => {
    let allowed = 2;
    hub.misbehave = (request, response, bytes) => {
      if (allowed-- > 0) breakAfter(request, response, bytes, 50_000);
      else response.writeHead(503).end();
      return true;
    };
    await expect(download()).rejects.toMatchObject({ code: 'network' });
    expect((await readdir(directory)).sort()).toEqual([`${file.name}.partial`, `${file.name}.partial.json`]);
    hub.misbehave = () => false;
    hub.requests.length = 0;
    await download();
    await complete();
    expect(hub.ranges(file.name)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);

    const other = content.map((byte) => byte ^ 1);
    await writeFile(`${target}.partial`, content.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ size: file.size, digest: file.digest }));
    hub.files.set(file.name, other);
    hub.requests.length = 0;
    await download({}, { ...file, digest: { kind: 'sha256', hex: sha256(other) } });
    expect(hub.ranges(file.name)).toEqual([undefined]);
    expect((await readFile(target)).equals(other)).toBe(true);
  });

  it('restarts if the server ignores ranges or sends another range', async () => {
    await writeFile(`${target}.partial`, content.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ size: file.size, digest: file.digest }));
    hub.misbehave = (_, response, bytes) => {
      response.writeHead(200).end(bytes);
      return true;
    };
    await download();
    await complete();
    await writeFile(`${target}.partial`, content.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ size: file.size, digest: file.digest }));
    let lied = false;
    hub.misbehave = (request, response, bytes) => {
      if (lied) return false;
      lied = true;
      response.writeHead(206, { 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}` }).end(bytes);
      return Boolean(request);
    };
    await download();
    await complete();
  });

  it('drops a partial file that is too long, and finishes a complete one without a request', async () => {
    await writeFile(`${target}.partial.json`, JSON.stringify({ size: file.size, digest: file.digest }));
    await writeFile(`${target}.partial`, new Uint8Array(content.length + 5));
    await download();
    await complete();
    hub.requests.length = 0;
    await writeFile(`${target}.partial.json`, JSON.stringify({ size: file.size, digest: file.digest }));
    await writeFile(`${target}.partial`, content);
    await download();
    await complete();
    expect(hub.requests).toEqual([]);
  });

  it('survives a server with a wrong length: shorter responses are completed, longer ones refused', async () => {
    let short = true;
    hub.misbehave = (request, response, bytes) => {
      if (!short) return false;
      short = false;
      response.writeHead(200, { 'content-length': 1000 }).end(bytes.subarray(0, 1000));
      return Boolean(request);
    };
    await download();
    await complete();
    hub.misbehave = (_, response, bytes) => {
      response.writeHead(200).write(bytes);
      response.end(new Uint8Array(10));
      return true;
    };
    await expect(download()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('received more') as string,
    });
  });

  it('is fetched again if damaged, and deleted and refused if damaged twice', async () => {
    let times = 0;
    hub.misbehave = (request, response, bytes) => {
      if (times++ > 0) return false;
      serve(
        request,
        response,
        bytes.map((byte, i) => (i === 150_000 ? byte ^ 0xff : byte)),
      );
      return true;
    };
    await download();
    await complete();
    hub.misbehave = (request, response, bytes) => {
      serve(
        request,
        response,
        bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
      );
      return true;
    };
    const elsewhere = join(directory, 'elsewhere');
    await expect(downloadFile(url(), file, elsewhere, { fetch, retry: QUICK })).rejects.toMatchObject({
      code: 'corrupt',
    });
    expect(await readdir(directory)).toEqual([file.name]);
  });

  it('waits as long as a 429 requests, up to a limit', async () => {
    const times: number[] = [];
    hub.misbehave = (_, response) => {
      times.push(performance.now());
      if (times.length > 2) return false;
      response.writeHead(429, { 'retry-after': '0.15' }).end();
      return true;
    };
    await download();
    await complete();
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(140);
    hub.misbehave = (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    };
    await expect(download()).rejects.toMatchObject({
      code: 'rateLimited',
      message: expect.stringContaining('3600 s') as string,
    });
    expect(retryAfter('7')).toBe(7000);
    expect(retryAfter(new Date(Date.now() + 5000).toUTCString())).toBeGreaterThan(3000);
    expect(retryAfter('soon')).toBeUndefined();
  });

  it('fails if the server always breaks at the same byte, or stalls', async () => {
    hub.misbehave = (request, response, bytes) => {
      delete request.headers.range;
      breakAfter(request, response, bytes, 20_000);
      return true;
    };
    await expect(download()).rejects.toMatchObject({ code: 'network' });
    hub.misbehave = (_, response, bytes) => {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
      return true;
    };
    await expect(download({ retry: { ...QUICK, idleTimeout: 60 } })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('no data for') as string,
    });
  });

  it('is cancelled at once, even during a wait, and keeps the partial file', async () => {
    const abort = new AbortController();
    hub.misbehave = (_, response, bytes) => {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100_000));
      return true;
    };
    const running = download({ signal: abort.signal, onProgress: (bytes) => bytes >= 100_000 && abort.abort() });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect((await readFile(`${target}.partial`)).length).toBe(100_000);
    const waiting = new AbortController();
    hub.misbehave = (_, response) => {
      response.writeHead(429, { 'retry-after': '0.9' }).end();
      setTimeout(() => waiting.abort(), 20);
      return true;
    };
    const started = performance.now();
    await expect(download({ signal: waiting.signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - started).toBeLessThan(850);
  });

  it.each([
    [401, 'gated'],
    [403, 'gated'],
    [404, 'notFound'],
    [418, 'malformed'],
  ])('fails at status %i with %s, without a retry', async (status, code) => {
    hub.misbehave = (_, response) => {
      response.writeHead(status).end('no');
      return true;
    };
    await expect(download()).rejects.toMatchObject({ name: 'HubError', code });
    expect(hub.requests.length).toBe(1);
  });

  it('does not start on a full disk, and reports an unwritable folder', async () => {
    await expect(assertDiskSpace(directory, 1e18)).rejects.toMatchObject({ code: 'diskFull' });
    await assertDiskSpace(directory, 1);
    await expect(
      downloadFile(url(), file, join(directory, 'no', 'such', 'folder'), { fetch, retry: QUICK }),
    ).rejects.toMatchObject({ code: 'unwritable' });
  });

  it('fails after all attempts if the server does not exist', async () => {
    await hub.stop();
    await expect(downloadFile('http://127.0.0.1:9/x', file, target, { fetch, retry: QUICK })).rejects.toMatchObject({
      code: 'network',
    });
    await hub.start();
  });
});
