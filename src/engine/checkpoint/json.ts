import { CheckpointError } from './errors';
import { readTextFile } from './files';

/** Deepest nesting of a real checkpoint's JSON. JSON.parse itself overflows the stack on millions of brackets. */
const MAX_DEPTH = 256;

/** Parses text as JSON, refusing nesting that no checkpoint has. @throws CheckpointError `malformed`. */
export function parseJson(text: string, file: string, field = ''): unknown {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH)
        throw new CheckpointError('malformed', file, field, `is nested more than ${MAX_DEPTH} levels deep`);
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const quoted = quoteNonFinite(text);
    if (quoted !== text) return parseJson(quoted, file, field);
    const reason = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw new CheckpointError('malformed', file, field, `is not valid JSON: ${reason}`, { cause: error });
  }
}

/**
 * Python writes NaN and Infinity, which are no JSON. As texts they harm no field that nobody reads, and where a number
 * is read they are refused by the field's name.
 */
function quoteNonFinite(text: string): string {
  let quoted = '';
  let at = 0;
  for (const { from, to } of stringsOf(text)) {
    quoted += quoteIn(text.slice(at, from)) + text.slice(from, to);
    at = to;
  }
  return quoted + quoteIn(text.slice(at));
}

const quoteIn = (between: string): string => between.replace(/-?\b(?:NaN|Infinity)\b/g, '"$&"');

/** Places of all strings with their quotes. A pattern overflows the stack on a string of some megabytes. */
function* stringsOf(text: string): Generator<{ from: number; to: number }> {
  for (let from = text.indexOf('"'); from >= 0;) {
    let to = from + 1;
    while (to < text.length && text.charCodeAt(to) !== 0x22) to += text.charCodeAt(to) === 0x5c ? 2 : 1;
    to++;
    yield { from, to };
    from = text.indexOf('"', to);
  }
}

/** A key that an object of valid JSON has twice: readers disagree about which counts. Undefined when there is none. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let at = 0;
  for (const { from, to } of stringsOf(text)) {
    for (; at < from; at++) {
      const c = text.charCodeAt(at);
      if (c === 0x7b) open.push(new Set());
      else if (c === 0x7d) open.pop();
    }
    at = to;
    if (!isKey(text, to)) continue;
    const name = JSON.parse(text.slice(from, to)) as string;
    const keys = open.at(-1);
    if (keys?.has(name)) return name;
    keys?.add(name);
  }
  return undefined;
}

/** Whether a colon follows the string that ends at `at`. */
function isKey(text: string, at: number): boolean {
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === 0x3a;
}

/** Reads a JSON file of at most `limit` bytes. @throws CheckpointError. */
export async function readJson(path: string, limit: number): Promise<unknown> {
  return parseJson(await readTextFile(path, limit), path);
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Typed access to the fields of a JSON object from a file: each error names the file and the field. */
export class Fields {
  readonly file: string;
  private readonly object: JsonObject;
  private readonly prefix: string;
  private readonly nameOf: (name: string) => string;

  /** @param nameOf the name that errors give a field; default: its own */
  constructor(value: unknown, file: string, prefix = '', nameOf = (name: string) => name) {
    this.nameOf = nameOf;
    if (!isObject(value))
      throw new CheckpointError('malformed', file, prefix.replace(/\.$/, ''), 'must be a JSON object');
    this.object = value;
    this.file = file;
    this.prefix = prefix;
  }

  /** The raw value; undefined when the field is absent or null. */
  raw(name: string): unknown {
    return Object.hasOwn(this.object, name) ? (this.object[name] ?? undefined) : undefined;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  error(code: CheckpointError['code'], name: string, message: string): CheckpointError {
    return new CheckpointError(code, this.file, this.nameOf(this.prefix + name), message);
  }

  optionalInteger(name: string, min: number, max: number): number | undefined {
    const value = this.optionalNumber(name, min, max);
    if (value !== undefined && !Number.isInteger(value))
      throw this.error('malformed', name, `must be a whole number, is ${value}`);
    return value;
  }

  integer(name: string, min: number, max: number): number {
    return this.required(name, this.optionalInteger(name, min, max));
  }

  optionalNumber(name: string, min: number, max: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.error('malformed', name, 'must be a number');
    if (value < min || value > max) throw this.error('outOfRange', name, `is ${value}, outside ${min}…${max}`);
    return value;
  }

  number(name: string, min: number, max: number): number {
    return this.required(name, this.optionalNumber(name, min, max));
  }

  boolean(name: string, otherwise: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined) return otherwise;
    if (typeof value !== 'boolean') throw this.error('malformed', name, 'must be true or false');
    return value;
  }

  optionalString(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.error('malformed', name, 'must be a string');
    return value;
  }

  string(name: string): string {
    return this.required(name, this.optionalString(name));
  }

  optionalArray(name: string, maxLength: number): readonly unknown[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.error('malformed', name, 'must be a list');
    if (value.length > maxLength)
      throw this.error('outOfRange', name, `has ${value.length} entries, more than ${maxLength}`);
    return value as readonly unknown[];
  }

  /** An object-valued field, with the same access. */
  optionalObject(name: string): Fields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new Fields(value, this.file, `${this.prefix}${name}.`, this.nameOf);
  }

  /** The same fields, with values for those that are absent or null. */
  withDefaults(defaults: JsonObject): Fields {
    const given = Object.entries(this.object).filter(([, value]) => value !== null);
    return new Fields({ ...defaults, ...Object.fromEntries(given) }, this.file, this.prefix, this.nameOf);
  }

  entries(): [string, unknown][] {
    return Object.entries(this.object);
  }

  private required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw this.error('missing', name, 'is required and absent');
    return value;
  }
}
