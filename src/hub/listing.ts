import { HubError } from './errors';
import { causeOf, DEFAULT_RETRY, request, TransientError, withRetries, type Fetch, type RetryPolicy } from './http';
import type { PublishedFile } from './download';

/** The default hub. A mirror with the same protocol can replace it. */
export const DEFAULT_ENDPOINT = 'https://huggingface.co';

const MAX_ANSWER_BYTES = 16 << 20;
const REPOSITORY = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const REVISION = /^[\w][\w./-]{0,127}$/;

export interface Listing {
  repository: string;
  /** The commit that the revision points to. All files are fetched from it, so that they match. */
  commit: string;
  licence?: string;
  files: PublishedFile[];
}

export interface HubOptions {
  fetch: Fetch;
  /** Address of the hub or a mirror. Default: DEFAULT_ENDPOINT. */
  endpoint?: string;
  /** Access token for gated models. The extension keeps it in the editor's secret storage. */
  token?: string;
  signal?: AbortSignal;
  retry?: Partial<RetryPolicy>;
}

export function headersOf(options: HubOptions): Record<string, string> {
  return options.token ? { authorization: `Bearer ${options.token}` } : {};
}

/** The address of the hub without a trailing slash. @throws HubError 'malformed' if it is not an http(s) address */
export function endpointOf(options: HubOptions): string {
  const text = options.endpoint ?? DEFAULT_ENDPOINT;
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new HubError('malformed', `"${text}" is not the address of a model hub.`, { cause: error });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new HubError('malformed', `"${text}": the address of a model hub begins with http:// or https://.`);
  return url.href.replace(/\/+$/, '');
}

/** @throws HubError 'malformed' */
export function assertRepository(repository: string): void {
  if (!REPOSITORY.test(repository) || repository.includes('..'))
    throw new HubError('malformed', `"${repository.slice(0, 200)}" is not a model name. Write it as owner/name.`);
}

/**
 * Lists the files that are needed to run a model, with sizes and digests.
 *
 * @throws HubError
 */
export async function listModel(repository: string, revision: string, options: HubOptions): Promise<Listing> {
  assertRepository(repository);
  if (!REVISION.test(revision) || revision.includes('..'))
    throw new HubError('malformed', `"${revision.slice(0, 200)}" is not a valid revision.`);
  const url = `${endpointOf(options)}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer = await withRetries({ ...DEFAULT_RETRY, ...options.retry }, options.signal, async (signal) => {
    const response = await request(options.fetch, url, headersOf(options), signal);
    return readBounded(response, url);
  });
  return parseListing(answer, repository, url);
}

async function readBounded(response: Response, url: string): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new HubError('malformed', `${url}: the list of files is larger than ${MAX_ANSWER_BYTES} bytes.`);
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new TransientError(`${url}: ${causeOf(error)}`, undefined, { cause: error });
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
  return text + decoder.decode();
}

/** Parses the hub's response and validates it, because its names become paths. */
export function parseListing(text: string, repository: string, url: string): Listing {
  const malformed = (what: string) => new HubError('malformed', `${url}: ${what}.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new HubError('malformed', `${url}: the response is not JSON. Is this the address of a model hub?`, {
      cause: error,
    });
  }
  if (!isObject(json)) throw malformed('the response is not an object');
  const { sha, siblings, cardData } = json;
  if (typeof sha !== 'string' || !/^[0-9a-f]{7,64}$/.test(sha)) throw malformed('the response has no commit');
  if (!Array.isArray(siblings) || siblings.length > 100_000) throw malformed('the response lists no files');
  const files = chooseFiles(
    siblings
      .filter(isObject)
      .map((entry) => parseFile(entry, malformed))
      .filter((file) => file !== undefined),
  );
  if (!files.some(({ name }) => name === 'config.json'))
    throw new HubError('unsupported', `${repository} has no config.json, so it is not a supported checkpoint.`);
  if (!files.some(({ name }) => name.endsWith('.safetensors'))) {
    throw new HubError(
      'unsupported',
      `${repository} has no *.safetensors weights. Pickle and GGUF files cannot be downloaded.`,
    );
  }
  const licence = isObject(cardData) ? cardData['license'] : undefined;
  return { repository, commit: sha, files, ...(typeof licence === 'string' ? { licence: licence.slice(0, 100) } : {}) };
}

function parseFile(entry: Record<string, unknown>, malformed: (what: string) => HubError): PublishedFile | undefined {
  const { rfilename: name, size, lfs, blobId } = entry;
  if (typeof name !== 'string' || !isWanted(name)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw malformed(`${name} has no size`);
  const sha256 = isObject(lfs) ? (lfs['sha256'] ?? lfs['oid']) : undefined;
  if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256))
    return { name, size, digest: { kind: 'sha256', hex: sha256 } };
  if (typeof blobId === 'string' && /^[0-9a-f]{40}$/.test(blobId))
    return { name, size, digest: { kind: 'git', hex: blobId } };
  throw malformed(`${name} has no digest, so a download could not be verified`);
}

const NAMED = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'model.safetensors.index.json',
  'adapter_config.json',
];

/** True for a file that is needed to run a model. Only files in the top folder are. */
function isWanted(name: string): boolean {
  return (
    NAMED.includes(name) || /^[\w][\w.-]*\.safetensors$/.test(name) || /^(LICENSE|NOTICE)(\.(txt|md))?$/i.test(name)
  );
}

/**
 * Leaves out duplicate weights: some models also publish consolidated weights in another layout.
 */
function chooseFiles(files: readonly PublishedFile[]): PublishedFile[] {
  const named = files.some(({ name }) => /^model(-\d+-of-\d+)?\.safetensors$/.test(name));
  return files.filter(
    ({ name }) =>
      !named || !name.endsWith('.safetensors') || /^(model(-\d+-of-\d+)?|adapter_model)\.safetensors$/.test(name),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
