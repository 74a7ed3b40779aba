import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server with OpenAI's chat interface on loopback, which a test makes misbehave. */
export class FakeServer {
  models: unknown = { object: 'list', data: [{ id: 'tiny:1b' }] };
  /** Answers of other paths than the list of models. */
  chat: Handle = (_request, response) => this.stream(response, ['Hello', ' world.'], 'stop');
  readonly requests: { url: string; body: unknown }[] = [];
  #server: Server | undefined;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (part) => (body += String(part)));
      request.on('end', () => {
        this.requests.push({ url: request.url ?? '', body: body === '' ? undefined : JSON.parse(body) });
        if (request.url?.endsWith('/models')) response.end(JSON.stringify(this.models));
        else if (request.url?.endsWith('/chat/completions')) this.chat(request, response, body);
        else response.writeHead(404).end();
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo).port;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Streams texts as a model would; without a reason the stream just ends. */
  stream(response: ServerResponse, texts: readonly string[], reason?: string): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of texts) response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
    if (reason !== undefined)
      response.write(
        `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: reason }] })}\n\ndata: [DONE]\n\n`,
      );
    response.end();
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}
