/**
 * Where other programs keep models on this machine. Only names are read here, and Ollama's manifests. Nothing is copied
 * or changed.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The program whose folder holds a model, or a folder that the user named. */
export type Store = 'Ollama' | 'LM Studio' | 'llama.cpp' | 'Hugging Face' | 'folder';

/** A file or folder that may be a model. */
export interface Candidate {
  store: Store;
  /** A .gguf file, or a folder with config.json and *.safetensors. */
  path: string;
  /** The name in the store; undefined where the file has a better one. */
  name?: string;
  /** Licence, where the store has its text. */
  licence?: string;
}

/** The machine as the search sees it; tests give another one. */
export interface Machine {
  home: string;
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
}

/** Deepest folder below a store's root: owner, repository, variant. */
const MOST_DEPTH = 4;
/** Most entries that are looked at below one root. A home folder that was named by mistake ends the search. */
const MOST_ENTRIES = 20_000;
const MOST_MANIFEST_BYTES = 1 << 20;

/** All candidates: those of known programs, then those of the user's folders. */
export async function candidates(machine: Machine, folders: readonly string[]): Promise<Candidate[]> {
  const found = await Promise.all([
    ...ollamaRoots(machine).map(ollama),
    ...lmStudioRoots(machine).map((root) => walk(root, 'LM Studio')),
    ...llamaCppRoots(machine).map((root) => walk(root, 'llama.cpp')),
    ...huggingFaceRoots(machine).map(huggingFace),
    ...folders.map((root) => walk(root.replace(/^~(?=$|[/\\])/, machine.home), 'folder')),
  ]);
  return unique(found.flat());
}

// ── Ollama: manifests name blobs by their sha256 ────────────────────────────────────────────────────────────────────

function ollamaRoots({ home, platform, env }: Machine): string[] {
  if (env['OLLAMA_MODELS']) return [env['OLLAMA_MODELS']];
  const own = join(home, '.ollama', 'models');
  // The service of the Linux installer runs as a user of its own.
  return platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

async function ollama(root: string): Promise<Candidate[]> {
  const manifests = join(root, 'manifests');
  const found: Candidate[] = [];
  for (const file of await filesBelow(manifests, () => true)) {
    const candidate = await ollamaModel(root, file);
    if (candidate) found.push(candidate);
  }
  return found;
}

interface Manifest {
  layers: { mediaType: string; digest: string }[];
}

async function ollamaModel(root: string, file: string): Promise<Candidate | undefined> {
  const manifest = await readManifest(file);
  const blob = (kind: string) => {
    const digest = manifest?.layers.find(
      ({ mediaType }) => mediaType === `application/vnd.ollama.image.${kind}`,
    )?.digest;
    const [, hex] = /^sha256[:-]([0-9a-f]{64})$/.exec(digest ?? '') ?? [];
    return hex === undefined ? undefined : join(root, 'blobs', `sha256-${hex}`);
  };
  const path = blob('model');
  if (path === undefined || !(await isFile(path))) return undefined;
  // …/manifests/registry.ollama.ai/library/qwen2.5-coder/0.5b
  const [namespace, model, tag] = file.split(/[/\\]/).slice(-3) as [string, string, string];
  const name = `${namespace === 'library' ? '' : `${namespace}/`}${model}:${tag}`;
  const licence = licenceOf(await firstLines(blob('license')));
  return { store: 'Ollama', path, name, ...(licence === undefined ? {} : { licence }) };
}

async function readManifest(file: string): Promise<Manifest | undefined> {
  try {
    if ((await stat(file)).size > MOST_MANIFEST_BYTES) return undefined;
    const json = JSON.parse(await readFile(file, 'utf8')) as Partial<Manifest> | null;
    const isLayer = (layer: unknown) =>
      typeof layer === 'object' &&
      layer !== null &&
      typeof (layer as Manifest['layers'][0]).mediaType === 'string' &&
      typeof (layer as Manifest['layers'][0]).digest === 'string';
    return Array.isArray(json?.layers) ? { layers: json.layers.filter(isLayer) } : undefined;
  } catch {
    return undefined;
  }
}

async function firstLines(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  const status = await stat(path).catch(() => undefined);
  if (!status?.isFile() || status.size > MOST_MANIFEST_BYTES) return '';
  return (await readFile(path, 'utf8').catch(() => '')).slice(0, 2000);
}

/** The name of a licence from the head of its text. */
function licenceOf(text: string): string | undefined {
  const known: readonly (readonly [RegExp, string])[] = [
    [/Apache License\s+Version 2\.0/i, 'Apache-2.0'],
    [/\bMIT License\b/i, 'MIT'],
    [/Gemma Terms of Use/i, 'Gemma'],
    [/LLAMA 3\.\d[\w ]* COMMUNITY LICENSE|Llama 3\.\d Community/i, 'Llama 3'],
    [/Qwen RESEARCH LICENSE/i, 'Qwen Research'],
  ];
  const found = known.find(([expression]) => expression.test(text))?.[1];
  if (found !== undefined) return found;
  const line = text
    .split('\n')
    .map((each) => each.trim())
    .find((each) => each !== '');
  return line?.slice(0, 60);
}

// ── Folders with files ──────────────────────────────────────────────────────────────────────────────────────────────

function lmStudioRoots({ home }: Machine): string[] {
  return [join(home, '.lmstudio', 'models'), join(home, '.cache', 'lm-studio', 'models')];
}

function llamaCppRoots({ home, platform, env }: Machine): string[] {
  if (env['LLAMA_CACHE']) return [env['LLAMA_CACHE']];
  if (platform === 'darwin') return [join(home, 'Library', 'Caches', 'llama.cpp')];
  if (platform === 'win32') return [join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'llama.cpp')];
  return [join(env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'llama.cpp')];
}

function huggingFaceRoots({ home, env }: Machine): string[] {
  if (env['HF_HUB_CACHE']) return [env['HF_HUB_CACHE']];
  return [join(env['HF_HOME'] ?? join(env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'huggingface'), 'hub')];
}

/** `models--owner--name/snapshots/COMMIT/…`: the snapshot that `refs/main` names, else the only one. */
async function huggingFace(root: string): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const entry of await list(root)) {
    const [, owner, model] = /^models--(.+?)--(.+)$/.exec(entry.name) ?? [];
    if (owner === undefined || model === undefined) continue;
    const directory = join(root, entry.name);
    const main = (await readFile(join(directory, 'refs', 'main'), 'utf8').catch(() => '')).trim();
    const snapshots = (await list(join(directory, 'snapshots'))).map(({ name }) => name);
    const snapshot = snapshots.includes(main) ? main : snapshots.length === 1 ? snapshots[0] : undefined;
    if (snapshot === undefined) continue;
    const models = await walk(join(directory, 'snapshots', snapshot), 'Hugging Face');
    const named = (path: string) => (path.endsWith('.gguf') ? `${model}/${basename(path)}` : model);
    found.push(...models.map((each) => ({ ...each, name: `${owner}/${named(each.path)}` })));
  }
  return found;
}

/** Models below a folder: .gguf files that begin one, and folders with a config and weights. */
async function walk(root: string, store: Store): Promise<Candidate[]> {
  const files = await filesBelow(root, isModelFile);
  const folders = files.filter((file) => basename(file) === 'config.json').map((file) => file.slice(0, -12));
  const holdsWeights = (folder: string) =>
    files.some((file) => file.endsWith('.safetensors') && file.slice(0, -basename(file).length - 1) === folder);
  return [
    ...files.filter((file) => /\.gguf$/i.test(file)).map((path) => ({ store, path })),
    ...folders.filter(holdsWeights).map((path) => ({ store, path })),
  ];
}

/** No projectors of images, no adapters, and of several shards the first. */
function isModelFile(name: string): boolean {
  if (name === 'config.json') return true;
  if (/\.safetensors$/i.test(name)) return !name.startsWith('adapter_');
  if (!/\.gguf$/i.test(name) || /mmproj/i.test(name)) return false;
  return Number(/-(\d{5})-of-\d{5}\.gguf$/i.exec(name)?.[1] ?? 1) === 1;
}

/** Files below a folder, links followed; hidden folders and unreadable ones are left out. */
async function filesBelow(root: string, wanted: (name: string) => boolean): Promise<string[]> {
  const files: string[] = [];
  let left = MOST_ENTRIES;
  let level = [root];
  for (let depth = 0; depth <= MOST_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const directory of level) {
      for (const entry of await list(directory)) {
        if (left-- <= 0) return files;
        const path = join(directory, entry.name);
        if (entry.isDirectory() && !entry.name.startsWith('.')) next.push(path);
        else if (wanted(entry.name) && (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))))
          files.push(path);
      }
    }
    level = next;
  }
  return files;
}

/** Each file once, though it may be reached by several roots or links. */
async function unique(found: readonly Candidate[]): Promise<Candidate[]> {
  const seen = new Set<string>();
  const kept: Candidate[] = [];
  for (const candidate of found) {
    const real = await realpath(candidate.path).catch(() => candidate.path);
    if (seen.has(real)) continue;
    seen.add(real);
    kept.push(candidate);
  }
  return kept;
}

function list(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).then(
    (entries) => entries.sort((a, b) => (a.name < b.name ? -1 : 1)),
    () => [],
  );
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
