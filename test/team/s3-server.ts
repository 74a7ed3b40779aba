/** A server that speaks the part of S3 that the client uses, over a store in memory, with faults on the wire. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MOST_LISTED } from '../../src/team/objects/object-store';
import { MemoryObjects } from './memory-objects';

/** Answers in place of the server; returns whether it did. */
export type Misbehave = (request: IncomingMessage, response: ServerResponse) => boolean;

export class S3Server {
  readonly objects = new MemoryObjects();
  readonly requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  misbehave: Misbehave = () => false;
  private server: Server | undefined;

  async start(): Promise<string> {
    this.server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const url = new URL(request.url ?? '/', 'http://store');
    this.requests.push({ method: request.method ?? '', path: url.pathname, headers: request.headers });
    if (this.misbehave(request, response)) return;
    const name = decodeURIComponent(url.pathname).split('/').slice(2).join('/');
    if (!(request.headers.authorization ?? '').startsWith('AWS4-HMAC-SHA256 ')) return this.end(response, 403);
    if (url.searchParams.has('list-type')) return this.list(url, response);
    if (request.method === 'PUT') return this.put(name, Buffer.concat(parts), request, response);
    if (request.method === 'DELETE') {
      await this.objects.delete(name);
      return this.end(response, 204);
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const range = from === undefined ? undefined : { from: Number(from), to: Number(to) + 1 };
    const found = await this.objects.get(name, range ? { range } : {});
    if (!found) return this.end(response, 404);
    response.writeHead(range ? 206 : 200, {
      etag: `"${found.tag}"`,
      'last-modified': new Date(found.modifiedMs).toUTCString(),
      'content-length': found.bytes.byteLength,
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  }

  private async put(name: string, bytes: Buffer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tag = request.headers['if-match'];
    const written = await this.objects.put(name, bytes, {
      ...(request.headers['if-none-match'] === '*' ? { ifAbsent: true } : {}),
      ...(tag === undefined ? {} : { ifTag: tag.replaceAll('"', '') }),
    });
    if (written === 'conflict') return this.end(response, 412);
    response.setHeader('etag', `"${written.tag}"`);
    this.end(response, 200);
  }

  private async list(url: URL, response: ServerResponse): Promise<void> {
    const { searchParams: query } = url;
    const limit = Math.min(MOST_LISTED, Number(query.get('max-keys') ?? MOST_LISTED));
    const listed = await this.objects.list(query.get('prefix') ?? '', { after: query.get('start-after') ?? '', limit });
    const contents = listed.map(
      ({ name, bytes, modifiedMs }) =>
        `<Contents><Key>${name.replaceAll('&', '&amp;')}</Key><Size>${bytes}</Size>` +
        `<LastModified>${new Date(modifiedMs).toISOString()}</LastModified></Contents>`,
    );
    response.end(`<?xml version="1.0"?><ListBucketResult>${contents.join('')}</ListBucketResult>`);
  }

  private end(response: ServerResponse, status: number): void {
    response.statusCode = status;
    response.end();
  }
}
