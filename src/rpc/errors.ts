import * as l10n from '@vscode/l10n';
import { ResponseError } from 'vscode-jsonrpc/node';
import type { ErrorCode, ErrorData } from '../protocol';

/**
 * Codes of the Language Server Protocol, so that any JSON-RPC client can tell a cancelled request from a failed one.
 */
const REQUEST_CANCELLED = -32800;
const REQUEST_FAILED = -32803;

const KNOWN: ReadonlySet<string> = new Set<ErrorCode>([
  'notInitialized',
  'cancelled',
  'fileNotFound',
  'fileUnreadable',
  'notIndexed',
  'storeLocked',
  'diskFull',
  'storeUnwritable',
  'modelFailed',
  'contextFull',
  'internal',
]);

/** Error codes of the system and the stores, with the codes that clients know. */
const MEANS: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'fileNotFound',
  ENOTDIR: 'fileNotFound',
  EACCES: 'fileUnreadable',
  EPERM: 'fileUnreadable',
  EISDIR: 'fileUnreadable',
  ELOOP: 'fileUnreadable',
  ENOSPC: 'diskFull',
  EDQUOT: 'diskFull',
  ABORT_ERR: 'cancelled',
  lexicalDiskFull: 'diskFull',
  missing: 'fileNotFound',
  denied: 'fileUnreadable',
  binary: 'fileUnreadable',
  tooLarge: 'fileUnreadable',
  directory: 'fileUnreadable',
};

const hints = (): Partial<Record<ErrorCode, string>> => ({
  fileNotFound: l10n.t('It may have been moved or deleted.'),
  fileUnreadable: l10n.t('Check the permissions of the file.'),
  diskFull: l10n.t('Free some disk space. Everything indexed so far is kept.'),
  storeLocked: l10n.t('Another window has this folder open and writes the index.'),
  modelFailed: l10n.t('See the log of the model process. Answers quote the sources meanwhile.'),
  internal: l10n.t('See the log. “Anchorage: Rebuild Index” may repair the index.'),
});

/** The error code, message and hint of a failure, for the client. */
export function errorData(error: unknown): ErrorData & { message: string } {
  const { code, name, hint, message } = (error ?? {}) as {
    code?: unknown;
    name?: unknown;
    hint?: unknown;
    message?: unknown;
  };
  const text = typeof message === 'string' ? message : String(error);
  const ours = codeOf(code, name);
  return { code: ours, message: text, hint: typeof hint === 'string' ? hint : hints()[ours] };
}

function codeOf(code: unknown, name: unknown): ErrorCode {
  if (name === 'AbortError' || name === 'TimeoutError') return 'cancelled';
  if (typeof code !== 'string') return 'internal';
  if (KNOWN.has(code)) return code as ErrorCode;
  return (
    MEANS[code] ??
    (/diskfull/i.test(code)
      ? 'diskFull'
      : /cancel/i.test(code)
        ? 'cancelled'
        : /locked/i.test(code)
          ? 'storeLocked'
          : 'internal')
  );
}

export function toResponseError(error: unknown): ResponseError<ErrorData> {
  const { message, ...data } = errorData(error);
  return new ResponseError(data.code === 'cancelled' ? REQUEST_CANCELLED : REQUEST_FAILED, message, data);
}
