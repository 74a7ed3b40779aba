import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import type { Fetch } from '../../hub';
import { UsageError } from '../arguments';
import { cacheDirectory } from '../../app';
import { note, stream, write } from '../write';

/** Output, network and folders of the model commands; tests replace them. */
export interface ModelIo {
  /** Prints a line of the result. */
  out(text: string): Promise<void> | void;
  /** Prints a piece of generated text, without a line break. */
  stream(text: string): void;
  /** Prints progress and remarks. */
  note(text: string): void;
  signal?: AbortSignal;
  fetch: Fetch;
  /** Folder of installed models. Compiled graphs go to its subfolder `compiled`. */
  modelsDirectory: string;
  /** Address of the hub. Default: the public one. */
  endpoint?: string;
}

/** The terminal: results go to stdout, everything else to stderr. */
export function terminalIo(signal?: AbortSignal): ModelIo {
  const endpoint = process.env['ANCHORAGE_HUB'];
  return {
    out: (text) => write(text),
    stream,
    note,
    fetch: (url, init) => fetch(url, init),
    modelsDirectory: join(cacheDirectory(), 'models'),
    ...(signal ? { signal } : {}),
    ...(endpoint ? { endpoint } : {}),
  };
}

interface Option {
  type: 'string' | 'boolean';
  multiple?: boolean;
}

export type Values = Record<string, string | boolean | string[] | undefined>;

export const ENGINE_OPTIONS = {
  adapter: { type: 'string', multiple: true },
  rope: { type: 'string' },
  weights: { type: 'string' },
  threads: { type: 'string' },
  attention: { type: 'string' },
  window: { type: 'string' },
  sinks: { type: 'string' },
  'middle-k': { type: 'string' },
  'look-back': { type: 'string' },
  'anchor-every': { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Record<string, Option>;

/** @throws UsageError */
export function parseOptions(
  argv: readonly string[],
  options: Record<string, Option>,
  operands: number,
  usage: string,
): { values: Values; operands: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: options as ParseArgsOptionsConfig,
      allowPositionals: true,
    });
    if (positionals.length !== operands) throw new UsageError(`Usage: anchorage model ${usage}`, 'model');
    return { values: values as Values, operands: positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${(error as Error).message}\nUsage: anchorage model ${usage}`, 'model');
  }
}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function list(values: Values, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}

/** The value of a numeric option. @throws UsageError when it is not a number within the range */
export function number(values: Values, name: string, min: number, max: number, whole = true): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    throw new UsageError(
      `--${name} must be a ${whole ? 'whole ' : ''}number between ${min} and ${max}, not “${given}”.`,
      'model',
    );
  }
  return value;
}

export function oneOf<T extends string>(values: Values, name: string, choices: readonly T[]): T | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const choice = choices.find((known) => known === given);
  if (choice === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not “${given}”.`, 'model');
  return choice;
}

/** Rows of token ids from a JSON file: an array of ids, or an array of such rows. @throws UsageError */
export async function readIds(file: string, vocabSize: number): Promise<number[][]> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--ids ${file}: ${(error as Error).message}`, 'model');
  }
  if (!Array.isArray(json) || json.length === 0)
    throw new UsageError(`--ids ${file}: must be a JSON array of token ids, or of rows of them.`, 'model');
  const rows = (Array.isArray(json[0]) ? json : [json]) as unknown[];
  return rows.map((row, r) => {
    if (!Array.isArray(row) || row.length < 2)
      throw new UsageError(`--ids ${file}: row ${r} is not a list of at least two token ids.`, 'model');
    const bad = (row as unknown[]).findIndex(
      (id) => typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize,
    );
    if (bad >= 0)
      throw new UsageError(
        `--ids ${file}: row ${r}, entry ${bad} is ${String(row[bad])}, not a token id below ${vocabSize}.`,
        'model',
      );
    return row as number[];
  });
}
