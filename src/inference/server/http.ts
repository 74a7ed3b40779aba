/**
 * Requests to a server. Node's own client: it follows no redirects and takes no proxies, so that text goes to the named
 * host only.
 */
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { AppError } from '../../base';

export interface ServerRequest {
  url: string;
  /** Sent as JSON by POST; without a body the request is a GET. */
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Longest time (ms) without a byte. */
  silence: number;
}

/** Most bytes of an answer that is read as a whole. */
const MOST_BYTES = 4 << 20;

/** The parts of a response as they arrive. @throws AppError('modelFailed'), or an AbortError */
export async function* send({ url, body, signal, silence }: ServerRequest): AsyncGenerator<Buffer> {
  const { host, protocol } = new URL(url);
  // An error that ends a begun stream does not reach the readers of the response with its own message.
  let silent: AppError | undefined;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = (protocol === 'https:' ? secureRequest : plainRequest)(
      url,
      {
        method: text === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json, text/event-stream',
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
        agent: false,
        ...(signal ? { signal } : {}),
      },
      resolve,
    );
    sent.setTimeout(silence, () => {
      silent = failed(host, `was silent for ${Math.round(silence / 1000)} s`);
      sent.destroy(silent);
    });
    sent.on('error', (error) => reject(asFailed(error, host, signal)));
    sent.end(text);
  });
  const { statusCode = 0 } = response;
  if (statusCode !== 200) {
    const detail = await errorText(response);
    throw failed(host, `answered with status ${statusCode}${detail === '' ? '' : ` (${detail})`}`);
  }
  try {
    for await (const part of response) yield part as Buffer;
  } catch (error) {
    throw silent ?? asFailed(error, host, signal);
  }
  if (!response.complete) throw failed(host, 'closed the connection before the answer was complete');
}

/** A whole response as JSON. @throws AppError('modelFailed') */
export async function getJson(request: ServerRequest): Promise<unknown> {
  const { host } = new URL(request.url);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of send(request)) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw failed(host, 'sent more than can be an answer');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch {
    throw failed(host, 'sent something that is not JSON');
  }
}

export function failed(host: string, what: string): AppError {
  return new AppError('modelFailed', `The server ${host} ${what}.`);
}

function asFailed(error: unknown, host: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof AppError || signal?.aborted) return error;
  const code = (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
  if (code === 'ECONNREFUSED') return failed(host, 'does not run');
  if (code === 'ECONNRESET') return failed(host, 'closed the connection before the answer was complete');
  return failed(host, `cannot be used (${code})`);
}

/** A server's error message in one line. */
async function errorText(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const part of response) {
      text += String(part);
      if (text.length > 10_000) break;
    }
    const json = JSON.parse(text) as { error?: { message?: unknown } | string };
    text = typeof json.error === 'string' ? json.error : String(json.error?.message ?? '');
  } catch {
    return '';
  }
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}
