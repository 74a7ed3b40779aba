/**
 * Objects in a bucket of S3, or of a store that speaks its protocol: R2, MinIO, Ceph. The store must know conditional
 * writes (`If-None-Match: *`, `If-Match`).
 */
import * as l10n from '@vscode/l10n';
import { AwsClient } from 'aws4fetch';
import { messageOf } from '../../base';
import type { S3Credentials } from './aws-credentials';
import {
  type GetOptions,
  type ListedObject,
  type ListOptions,
  MOST_LISTED,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from './object-store';
import { listedIn } from './s3-listing';

export interface S3Options {
  bucket: string;
  /** Prefix of all names, without slashes at its ends; may be empty. */
  prefix: string;
  region: string;
  /** Address of a store other than Amazon's. The bucket is then the first part of the path. */
  endpoint?: string;
  credentials: S3Credentials;
}

const NOT_FOUND = 404;
const FORBIDDEN = new Set([401, 403]);
/** The condition does not hold, or another conditional write is being decided. */
const CONFLICT = new Set([412, 409]);
const BUSY = new Set([429, 503]);

export class S3Store implements ObjectStore {
  readonly address: string;
  private readonly client: AwsClient;
  private readonly base: string;
  private readonly prefix: string;

  constructor({ bucket, prefix, region, endpoint, credentials }: S3Options) {
    // Retries are the caller's: a question has no time for them, and a push has.
    this.client = new AwsClient({ ...credentials, service: 's3', region, retries: 0 });
    this.address = `s3://${bucket}${prefix ? `/${prefix}` : ''}`;
    this.prefix = prefix ? `${prefix}/` : '';
    // A bucket with dots matches no certificate of the virtual host.
    const host = `https://s3.${region}.amazonaws.com`;
    this.base =
      endpoint === undefined && !bucket.includes('.')
        ? `https://${bucket}.s3.${region}.amazonaws.com`
        : `${(endpoint ?? host).replace(/\/+$/, '')}/${bucket}`;
  }

  async get(name: string, { range, signal }: GetOptions = {}): Promise<StoredObject | undefined> {
    const headers: Record<string, string> = range ? { range: `bytes=${range.from}-${range.to - 1}` } : {};
    const response = await this.request('GET', this.url(name), { headers, signal });
    if (response.status === NOT_FOUND) return undefined;
    const bytes = await this.body(response);
    // A store that ignores the range sends the whole object.
    const whole = range !== undefined && response.status === 200;
    return {
      bytes: whole ? bytes.subarray(range.from, range.to) : bytes,
      tag: response.headers.get('etag') ?? '',
      modifiedMs: Date.parse(response.headers.get('last-modified') ?? '') || 0,
    };
  }

  async put(
    name: string,
    bytes: Uint8Array,
    { ifAbsent, ifTag, signal }: PutOptions = {},
  ): Promise<{ tag: string } | 'conflict'> {
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      ...(ifAbsent ? { 'if-none-match': '*' } : {}),
      ...(ifTag === undefined ? {} : { 'if-match': ifTag }),
    };
    const response = await this.request('PUT', this.url(name), { headers, body: bytes, signal });
    await this.body(response);
    // An object that was to be replaced and is gone has changed too.
    if (CONFLICT.has(response.status) || (ifTag !== undefined && response.status === NOT_FOUND)) return 'conflict';
    if (response.status === NOT_FOUND) throw this.noBucket();
    return { tag: response.headers.get('etag') ?? '' };
  }

  async delete(name: string, signal?: AbortSignal): Promise<void> {
    await this.body(await this.request('DELETE', this.url(name), { signal }));
  }

  async list(
    prefix: string,
    { after, limit = MOST_LISTED, signal }: ListOptions = {},
  ): Promise<readonly ListedObject[]> {
    const query = new URLSearchParams({
      'list-type': '2',
      'max-keys': String(Math.min(limit, MOST_LISTED)),
      prefix: this.prefix + prefix,
      ...(after ? { 'start-after': this.prefix + after } : {}),
    });
    const response = await this.request('GET', `${this.base}/?${query.toString()}`, { signal });
    if (response.status === NOT_FOUND) throw this.noBucket();
    const text = new TextDecoder().decode(await this.body(response));
    return listedIn(text).map((listed) => ({ ...listed, name: listed.name.slice(this.prefix.length) }));
  }

  async now(signal?: AbortSignal): Promise<number> {
    // Any answer has the store's date, also that there is no such object.
    const response = await this.request('HEAD', this.url('clock'), { signal });
    return Date.parse(response.headers.get('date') ?? '') || Date.now();
  }

  private url(name: string): string {
    return `${this.base}/${`${this.prefix}${name}`.split('/').map(encodeURIComponent).join('/')}`;
  }

  private noBucket(): ObjectStoreError {
    return new ObjectStoreError(
      'misconfigured',
      l10n.t('{0}: there is no such bucket.', this.address),
      l10n.t('Check the address.'),
    );
  }

  private async request(
    method: string,
    url: string,
    options: { headers?: Record<string, string>; body?: Uint8Array; signal?: AbortSignal | undefined },
  ): Promise<Response> {
    const { headers = {}, body, signal } = options;
    let response: Response;
    try {
      response = await this.client.fetch(url, {
        method,
        headers,
        ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
        ...(signal ? { signal } : {}),
        redirect: 'error',
      });
    } catch (error) {
      throw this.failure(error);
    }
    const { status } = response;
    if (status < 300 || status === NOT_FOUND || CONFLICT.has(status)) return response;
    await response.arrayBuffer().catch(() => undefined);
    throw this.refusal(status);
  }

  /** Reads the whole body. A connection that ends early fails here. */
  private async body(response: Response): Promise<Uint8Array> {
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      throw this.failure(error);
    }
  }

  private failure(error: unknown): ObjectStoreError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return new ObjectStoreError(
      'unavailable',
      l10n.t('{0} does not answer ({1})', this.address, messageOf(cause)),
      l10n.t('Check the address and the network.'),
      { cause: error },
    );
  }

  private refusal(status: number): ObjectStoreError {
    if (FORBIDDEN.has(status))
      return new ObjectStoreError(
        'denied',
        l10n.t('{0} refuses the credentials ({1})', this.address, status),
        l10n.t('Check the access key and what it may do in the bucket.'),
      );
    if (BUSY.has(status))
      return new ObjectStoreError('busy', l10n.t('{0} has too many requests ({1})', this.address, status));
    return new ObjectStoreError('unavailable', l10n.t('{0} answers with error {1}', this.address, status));
  }
}
