import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function gitBlob(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean;

/**
 * A hub with one model. `misbehave` can answer a request itself and return true. Otherwise the server answers
 * correctly.
 */
export class TestHub {
  readonly files = new Map<string, Uint8Array>();
  commit = 'a'.repeat(40);
  listing: (() => unknown) | undefined;
  misbehave: Misbehaviour = () => false;
  readonly requests: { url: string; range: string | undefined; authorization: string | undefined }[] = [];
  private server: Server | undefined;

  async start(): Promise<this> {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  ranges(name: string): (string | undefined)[] {
    return this.requests.filter(({ url }) => url.endsWith(`/${name}`)).map(({ range }) => range);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    this.requests.push({ url, range: request.headers.range, authorization: request.headers.authorization });
    if (url.startsWith('/api/models/')) {
      const body = new TextEncoder().encode(JSON.stringify(this.listing ? this.listing() : this.published()));
      if (!this.misbehave(request, response, body)) response.end(body);
      return;
    }
    const bytes = this.files.get(decodeURIComponent(url.split('/').at(-1) ?? ''));
    if (!bytes || !url.includes(`/resolve/${this.commit}/`)) {
      response.writeHead(404).end();
      return;
    }
    if (!this.misbehave(request, response, bytes)) serve(request, response, bytes);
  }

  published(): object {
    const siblings = [...this.files].map(([rfilename, bytes]) => ({
      rfilename,
      size: bytes.length,
      blobId: gitBlob(bytes),
      ...(rfilename.endsWith('.safetensors') ? { lfs: { sha256: sha256(bytes), size: bytes.length } } : {}),
    }));
    return { sha: this.commit, siblings, cardData: { license: 'mit' } };
  }
}

/** Answers like a correct server, including ranges. */
export function serve(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return;
  }
  const from = Number(range[1]);
  if (from >= bytes.length) response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  else
    response
      .writeHead(206, {
        'content-length': bytes.length - from,
        'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      })
      .end(bytes.subarray(from));
}

/** Sends `count` bytes, then breaks the connection. */
export function breakAfter(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, count: number): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const headers = {
    'content-length': bytes.length - from,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
  };
  response.writeHead(from > 0 ? 206 : 200, headers);
  response.write(bytes.subarray(from, from + count), () => setTimeout(() => response.socket?.destroy(), 5));
}
