import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isCheckpoint, openCheckpoint } from '../engine';
import { assertDiskSpace, downloadFile, missingBytes } from './download';
import { asHubError, HubError } from './errors';
import { assertRepository, endpointOf, headersOf, listModel, type HubOptions, type Listing } from './listing';

/** The origin of a model. It is stored in the model's folder. */
export interface ModelSource {
  /** `owner/name`, or the folder it was imported from. */
  from: string;
  commit?: string;
  licence?: string;
  /** ISO date. */
  added: string;
}

export interface InstalledModel {
  /** Name of the model's folder. */
  name: string;
  directory: string;
  bytes: number;
  source?: ModelSource;
}

export interface DownloadProgress {
  /** Bytes on disk, and bytes of the complete model. */
  bytes: number;
  total: number;
  file: string;
}

const SOURCE = 'source.json';
const INCOMING = '.incoming';
const LOCK = 'lock';
const COMMIT = 'commit';
const NAME = /^[A-Za-z0-9][\w.-]{0,190}$/;

/**
 * Downloads a model into `modelsDirectory`. It appears there once every file is complete and matches its published
 * digest, and the checkpoint opens. Until then it is in a separate folder, from which an interrupted download resumes.
 *
 * @returns the model's folder
 * @throws HubError; CheckpointError if the model is not supported
 */
export async function downloadModel(
  modelsDirectory: string,
  repository: string,
  options: HubOptions & { revision?: string; onProgress?: (progress: DownloadProgress) => void },
): Promise<InstalledModel> {
  assertRepository(repository);
  const name = repository.replace('/', '--');
  return prepareModel(modelsDirectory, name, async (incoming) => {
    const listing = await listModel(repository, options.revision ?? 'main', options);
    await forgetOtherCommit(incoming, listing.commit);
    await assertDiskSpace(incoming, await missingBytes(listing.files, (file) => sizeOnDisk(incoming, file)));
    await downloadAll(incoming, listing, options);
    return {
      from: repository,
      commit: listing.commit,
      ...(listing.licence ? { licence: listing.licence } : {}),
      added: new Date().toISOString(),
    };
  });
}

async function downloadAll(
  incoming: string,
  { repository, commit, files }: Listing,
  options: Parameters<typeof downloadModel>[2],
): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  let finished = 0;
  // Small files first, so that an unsupported model is noticed before its gigabytes arrive.
  for (const file of [...files].sort((a, b) => a.size - b.size)) {
    const report = (bytes: number) => options.onProgress?.({ bytes: finished + bytes, total, file: file.name });
    const target = join(incoming, file.name);
    if ((await sizeOf(target)) !== file.size) {
      const url = `${endpointOf(options)}/${repository}/resolve/${commit}/${encodeURIComponent(file.name)}`;
      await downloadFile(url, file, target, { ...options, headers: headersOf(options), onProgress: report });
    }
    finished += file.size;
    report(0);
  }
}

/**
 * Copies a checkpoint, a folder or a .gguf file, into `modelsDirectory` after opening it as a check.
 *
 * @throws HubError, CheckpointError
 */
export async function importModel(
  modelsDirectory: string,
  path: string,
  name = basename(resolve(path)).replace(/(?:-00001-of-\d{5})?\.gguf$/i, ''),
): Promise<InstalledModel> {
  const source = resolve(path);
  await (await openCheckpoint(source)).close();
  const isFile = (await sizeOf(source)) !== undefined;
  const folder = isFile ? dirname(source) : source;
  const files: { name: string; size: number }[] = [];
  for (const file of isFile ? await shardsOf(source) : await readdir(source)) {
    const size = await sizeOf(join(folder, file));
    if (size !== undefined && (isFile || /\.(json|jinja|safetensors|gguf)$|^(LICENSE|NOTICE)/i.test(file)))
      files.push({ name: file, size });
  }
  return prepareModel(modelsDirectory, name, async (incoming) => {
    await assertDiskSpace(
      incoming,
      files.reduce((sum, file) => sum + file.size, 0),
    );
    for (const file of files)
      await copyFile(join(folder, file.name), join(incoming, file.name), constants.COPYFILE_FICLONE);
    return { from: source, added: new Date().toISOString() };
  });
}

/** The file, or all shards of its model. */
async function shardsOf(path: string): Promise<string[]> {
  const [, stem, total] = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i.exec(basename(path)) ?? [];
  if (stem === undefined || total === undefined) return [basename(path)];
  const isShard = (name: string) => name.startsWith(`${stem}-`) && name.toLowerCase().endsWith(`-of-${total}.gguf`);
  return (await readdir(dirname(path))).filter(isShard);
}

/** Fills a temporary folder, opens it as a checkpoint, and renames it to the final folder. */
async function prepareModel(
  modelsDirectory: string,
  name: string,
  fill: (incoming: string) => Promise<ModelSource>,
): Promise<InstalledModel> {
  if (!NAME.test(name))
    throw new HubError(
      'malformed',
      `"${name.slice(0, 200)}" is not a valid folder name for a model. Use letters, digits, dot, dash and underscore.`,
    );
  const directory = join(modelsDirectory, name);
  if (await isDirectory(directory)) throw new HubError('exists', `${directory} already exists. Remove it first.`);
  const incoming = join(modelsDirectory, INCOMING, name);
  try {
    await mkdir(incoming, { recursive: true });
    const release = await lock(incoming);
    try {
      const source = await fill(incoming);
      await (await openCheckpoint(incoming)).close();
      await writeFile(join(incoming, SOURCE), `${JSON.stringify(source, null, 1)}\n`);
      const added = await describeModel(incoming, name);
      await rename(incoming, directory);
      // The model stands from here on: files left beside it do no harm.
      for (const file of [LOCK, COMMIT]) await rm(join(directory, file), { force: true }).catch(() => undefined);
      return { ...added, directory };
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    // A CheckpointError has its own message.
    throw error instanceof Error && error.name === 'CheckpointError' ? error : asHubError(error, incoming);
  }
}

/** Deletes partial files of another commit, so that they are not completed with this commit's bytes. */
async function forgetOtherCommit(incoming: string, commit: string): Promise<void> {
  const mark = join(incoming, COMMIT);
  if ((await readFile(mark, 'utf8').catch(() => '')) === commit) return;
  for (const file of await readdir(incoming))
    if (file !== LOCK) await rm(join(incoming, file), { recursive: true, force: true });
  await writeFile(mark, commit);
}

/** Locks a folder against other processes. A lock whose process has ended is taken over. */
async function lock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, LOCK);
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (!isExists(error)) throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
      if (attempt > 0 || (owner > 0 && isAlive(owner)))
        throw new HubError(
          'busy',
          `${directory}: process ${owner} is using this model. Wait until it ends, or end it.`,
        );
      await rm(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}

function isExists(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST';
}

/** Lists the models in a folder, without unfinished downloads. */
export async function listModels(modelsDirectory: string): Promise<InstalledModel[]> {
  const entries = await readdir(modelsDirectory, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  const models: InstalledModel[] = [];
  for (const name of names) {
    const directory = join(modelsDirectory, name);
    // One whose weights are gone is listed too, so that it can be removed.
    if ((await sizeOf(join(directory, 'config.json'))) !== undefined || (await isCheckpoint(directory)))
      models.push(await describeModel(directory, name));
  }
  return models;
}

async function describeModel(directory: string, name: string): Promise<InstalledModel> {
  let bytes = 0;
  for (const file of await readdir(directory))
    if (file !== LOCK && file !== COMMIT) bytes += (await sizeOf(join(directory, file))) ?? 0;
  const source = parseSource(await readFile(join(directory, SOURCE), 'utf8').catch(() => ''));
  return { name, directory, bytes, ...(source ? { source } : {}) };
}

function parseSource(text: string): ModelSource | undefined {
  try {
    const json = JSON.parse(text) as Partial<ModelSource> | null;
    return typeof json?.from === 'string' && typeof json.added === 'string' ? (json as ModelSource) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a model or its unfinished download. @returns bytes freed @throws HubError 'notFound' */
export async function removeModel(modelsDirectory: string, name: string): Promise<number> {
  const plain = name.replace('/', '--');
  if (!NAME.test(plain)) throw new HubError('malformed', `"${name.slice(0, 200)}" is not a model name.`);
  let freed = 0;
  let found = false;
  for (const directory of [join(modelsDirectory, plain), join(modelsDirectory, INCOMING, plain)]) {
    if (!(await isDirectory(directory))) continue;
    found = true;
    for (const file of await readdir(directory)) freed += (await sizeOf(join(directory, file))) ?? 0;
    try {
      // Renaming first ensures that a partly removed model does not look complete.
      const trash = join(modelsDirectory, INCOMING, `.removed-${plain}-${process.pid}-${Date.now()}`);
      await mkdir(join(modelsDirectory, INCOMING), { recursive: true });
      await rename(directory, trash);
      await rm(trash, { recursive: true, force: true });
    } catch (error) {
      throw asHubError(error, directory);
    }
  }
  if (!found) throw new HubError('notFound', `There is no model "${name}" in ${modelsDirectory}.`);
  return freed;
}

async function sizeOnDisk(directory: string, name: string): Promise<number> {
  return (await sizeOf(join(directory, name))) ?? (await sizeOf(join(directory, `${name}.partial`))) ?? 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const status = await stat(path);
    return status.isFile() ? status.size : undefined;
  } catch {
    return undefined;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
