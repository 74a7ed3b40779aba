/**
 * Where the worker of a workspace listens: a socket in the workspace's storage, which only the user may open. Its name
 * is made of everything that clients must have in common, so a client with other settings finds no worker there and
 * starts one of its own.
 */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { makeDirectory, sha256 } from '../base/node';
import type { InitializeParams } from '../protocol';

/** Longest path (bytes) of a socket on macOS, without its NUL; Linux has a few more. */
const MOST_BYTES = 103;
const NAME_CHARACTERS = 16;

interface Place {
  env?: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
}

/** Returns the path of the socket, whose folder exists. Undefined where no folder can be kept private. */
export function privateSocket(
  params: InitializeParams,
  version: string,
  { env = process.env, platform = process.platform }: Place = {},
): string | undefined {
  const name = nameOf(params, version);
  // A named pipe has no file, and by default no other user may open it.
  if (platform === 'win32') return `\\\\.\\pipe\\anchorage-${userInfo().username}-${name}`;
  const runtime = env['XDG_RUNTIME_DIR'] || tmpdir();
  const folders = [join(params.storageDirectory, 'run'), join(runtime, `anchorage-${process.getuid?.() ?? 0}`)];
  for (const folder of folders) {
    const path = join(folder, `${name}.sock`);
    if (Buffer.byteLength(path) <= MOST_BYTES && isPrivate(folder)) return path;
  }
  return undefined;
}

function nameOf({ protocolVersion, storageDirectory, folders, settings, strings }: InitializeParams, version: string) {
  const { filesExclude, maxFileBytes, secrets = false, followLinks = false } = settings;
  const { modelDirectory, modelServer, allowedHosts, weights } = settings;
  const common = [
    ...[version, protocolVersion, storageDirectory, maxFileBytes, secrets, followLinks],
    folders.map(({ name, directory, filesExclude: own = filesExclude, encoding = '' }) => [
      ...[name, directory, encoding],
      [...own].sort(),
    ]),
    ...[modelDirectory, modelDirectory && weights, modelServer, modelServer && allowedHosts],
    Object.entries(strings ?? {}),
  ];
  return sha256(JSON.stringify(common)).slice(0, NAME_CHARACTERS);
}

/** Makes a folder that nobody else may enter, or finds that it is one. */
function isPrivate(folder: string): boolean {
  try {
    makeDirectory(join(folder, '..'));
    mkdirSync(folder, { mode: 0o700 });
    // The umask may have taken from it.
    chmodSync(folder, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  // In a shared folder for temporary files, another user may have made it first.
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info !== undefined && info.isDirectory() && info.uid === process.getuid?.() && (info.mode & 0o077) === 0;
}
