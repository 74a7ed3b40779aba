/** Parses `anchorage.memory.shared`, and reads the keys that belong to it. */
import * as l10n from '@vscode/l10n';
import { AppError } from '../base';
import type { SharedMemorySettings, TeamKeys } from '../protocol';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseKey, RecordNames, Signer, Trust } from './log/team-keys';
import { OBJECT_STORES, schemes } from './objects/registry';
import type { ObjectStore } from './objects/object-store';

/** A team's memory, ready to be opened. */
export interface TeamPlace {
  store: ObjectStore;
  names: RecordNames;
  trust: Trust;
  /** Absent for a reader. */
  signer?: Signer;
  /** Whether this process may write. */
  mayWrite: boolean;
  /** Whether an editor writes what it has encoded. A terminal's `push` writes anyway. */
  editorsWrite: boolean;
}

const misconfigured = (message: string, hint: string): AppError<'misconfigured'> =>
  new AppError('misconfigured', message, hint);

/** Environment variables of the keys. */
const SECRET = 'ANCHORAGE_MEMORY_SECRET';
const SIGNING_KEY = 'ANCHORAGE_MEMORY_SIGNING_KEY';

/**
 * Parses the address `s3://bucket/prefix?endpoint=…` or `file:///directory`. Its parameters: `writers`, the public keys
 * whose entries count, with commas between them; `unsigned=yes` takes entries that nobody signed; `write=yes` lets
 * editors write too; `endpoint` and `region` of S3.
 *
 * @throws AppError('misconfigured') with what to do
 */
export async function openPlace(
  { address, keys: given }: SharedMemorySettings,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<TeamPlace> {
  const url = parseAddress(address);
  const open = OBJECT_STORES[url.protocol];
  if (!open)
    throw misconfigured(
      l10n.t('“{0}” is no address of a team’s memory.', address),
      l10n.t('It begins with {0}.', schemes()),
    );
  const { secret, signingKey } = { ...(await keysOf(env)), ...given };
  if (!secret)
    throw misconfigured(
      l10n.t('The secret of the team’s memory is missing.'),
      l10n.t(
        'Run `anchorage memory keys` once for the team. Then set {0}, or run “Set Keys of the Team’s Memory”.',
        SECRET,
      ),
    );
  const allowUnsigned = url.searchParams.get('unsigned') === 'yes';
  const writers = (url.searchParams.get('writers') ?? '').split(',').filter((key) => key !== '');
  if (writers.length === 0 && !allowUnsigned)
    throw misconfigured(
      l10n.t('The address of the team’s memory names no writer, so nothing in it would be trusted.'),
      l10n.t(
        'Add `writers=KEY` as `anchorage memory keys` printed it, or `unsigned=yes` to trust whoever can write there.',
      ),
    );
  const signer = signingKey ? new Signer(parseKey(signingKey, l10n.t('the signing key'))) : undefined;
  const known = writers.map((writer) => parseKey(writer, l10n.t('a writer in the address')));
  const isKnown = signer !== undefined && known.some((writer) => Buffer.compare(writer, signer.writer) === 0);
  return {
    store: await open(url, given?.s3),
    names: new RecordNames(parseKey(secret, l10n.t('the secret of the team’s memory'))),
    trust: new Trust(known, allowUnsigned),
    ...(signer ? { signer } : {}),
    mayWrite: isKnown || allowUnsigned,
    editorsWrite: (isKnown || allowUnsigned) && url.searchParams.get('write') === 'yes',
  };
}

/** The address as it may be shown: without parameters. */
export function shownAddress(address: string): string {
  return address.split('?')[0] ?? '';
}

function parseAddress(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw misconfigured(
      l10n.t('“{0}” is no address of a team’s memory.', address),
      l10n.t('It begins with {0}.', schemes()),
    );
  }
}

/** The keys in the environment, or in the file `anchorage/memory-keys` of the user's configuration. */
async function keysOf(env: Readonly<Record<string, string | undefined>>): Promise<TeamKeys> {
  const file = join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'anchorage', 'memory-keys');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split(/\r?\n/);
  const valueOf = (name: string): string | undefined =>
    env[name] ?? lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const [secret, signingKey] = [valueOf(SECRET), valueOf(SIGNING_KEY)];
  return { ...(secret ? { secret } : {}), ...(signingKey ? { signingKey } : {}) };
}
