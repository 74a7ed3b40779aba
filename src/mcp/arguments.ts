/** Options of `anchorage mcp`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../base';
import type { WorkerSettings } from '../protocol';

export const HELP = `Serve the workspace to agents by the Model Context Protocol, on stdin and stdout.

Usage: anchorage mcp [options]

Options:
  -w, --workspace DIR    Folder of the workspace; repeatable. Default: the folders (roots) that the client names, or
                         else the current folder. A client's roots always limit what the server reads.
  --exclude GLOB         Leave out these files, as files.exclude of the editor does; repeatable.
  --max-file-bytes N     Leave out larger files. Default: 4 MB.
  --storage DIR          Folder of the index. Default: a folder for the workspace in the user’s cache.
  --models DIR           Folder of compiled models. Default: a folder in the user’s cache.
  --model-directory DIR  Checkpoint that writes answers in prose. Default: none; answers quote the sources.
  --threads N            Threads of the engine. Default: the number of cores.
  --weights FORMAT       auto, f32, 8bit or 4bit.
  -h, --help             Show this help.

Example:
  claude mcp add anchorage -- npx anchorage mcp`;

export interface ServerArguments {
  /** Folders that the user names; empty for those of the client. */
  workspace: readonly string[];
  storage?: string;
  models?: string;
  settings: Pick<WorkerSettings, 'modelDirectory' | 'threads' | 'weights'> &
    Partial<Pick<WorkerSettings, 'filesExclude' | 'maxFileBytes'>>;
  help: boolean;
}

/** @throws AppError('usage') */
export function readArguments(argv: readonly string[]): ServerArguments {
  const { storage, models, help = false, ...values } = parsed(argv);
  return {
    workspace: (values.workspace ?? []).map((each) => resolve(each)),
    ...(storage === undefined ? {} : { storage: resolve(storage) }),
    ...(models === undefined ? {} : { models: resolve(models) }),
    settings: {
      modelDirectory: values['model-directory'] === undefined ? '' : resolve(values['model-directory']),
      threads: values.threads === undefined ? 0 : countOf('threads', values.threads),
      weights: weightsOf(values.weights),
      ...(values.exclude === undefined ? {} : { filesExclude: values.exclude }),
      ...(values['max-file-bytes'] === undefined
        ? {}
        : { maxFileBytes: countOf('max-file-bytes', values['max-file-bytes']) }),
    },
    help,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        workspace: { type: 'string', multiple: true, short: 'w' },
        exclude: { type: 'string', multiple: true },
        'max-file-bytes': { type: 'string' },
        storage: { type: 'string' },
        models: { type: 'string' },
        'model-directory': { type: 'string' },
        threads: { type: 'string' },
        weights: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new AppError('usage', (error as Error).message);
  }
}

function countOf(name: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new AppError('usage', `--${name} takes a whole number, not “${value}”.`);
  return Number(value);
}

function weightsOf(value = 'auto'): WorkerSettings['weights'] {
  if (value === 'auto' || value === 'f32' || value === '8bit' || value === '4bit') return value;
  throw new AppError('usage', `--weights takes auto, f32, 8bit or 4bit, not “${value}”.`);
}
