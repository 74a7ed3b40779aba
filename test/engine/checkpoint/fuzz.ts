import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatTemplate } from '../../../src/engine/tokenizer/chat-template';
import { parseConfig } from '../../../src/engine/architectures/config';
import { parseJson } from '../../../src/engine/checkpoint/json';
import { LoraSource } from '../../../src/engine/adapters/lora';
import { openWeights, SafetensorsFile } from '../../../src/engine/formats/safetensors';
import { Tokenizer } from '../../../src/engine/tokenizer/tokenizer';
import { generator } from '../../../src/engine/generate/sampling';
import { FAMILIES, fixture } from '../../fixtures';

/** The results of the inputs of one reader. */
export interface FuzzReport {
  inputs: number;
  accepted: number;
  /** Number of refusals by error code. */
  refused: Record<string, number>;
  /** Outcomes that are neither a result nor a CheckpointError. Each is a bug. */
  failures: string[];
  slowestMs: number;
  heapGrowthBytes: number;
}

/** Time limit per input in milliseconds. It allows for a busy machine and the tokenizer's own limit. */
export const BOUND_MS = 15_000;

export type Random = () => number;
export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  2,
  7,
  1.5,
  255,
  65_536,
  2 ** 31,
  2 ** 53,
  1e18,
  1e308,
  -1e308,
  5e-324,
  '',
  'x',
  '0',
  '../../etc/passwd',
  '\0',
  '__proto__',
  'constructor',
  '\uD800',
  'a'.repeat(70_000),
  '(a+)+$',
  '[',
  '(?<=a)',
  [],
  {},
  [[]],
  [null],
  [1, 2, 3],
  { a: 1 },
  { type: 'BPE' },
  { type: 'yarn', factor: 1e9 },
  { Regex: '(a|aa)+$' },
  { String: '' },
];

/** Makes one to three random changes in a JSON value. */
function mutateJson(value: unknown, random: Random): unknown {
  const copy: unknown = structuredClone(value);
  let root = copy;
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    let parent: unknown;
    let key: string | number = '';
    let at = root;
    const depth = 1 + Math.floor(random() * 5);
    for (let d = 0; d < depth && typeof at === 'object' && at !== null; d++) {
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      parent = at;
      key = pick(random, keys);
      at = (at as Record<string, unknown>)[key];
    }
    if (parent === undefined) {
      root = structuredClone(pick(random, ODD));
      continue;
    }
    const holder = parent as Record<string, unknown>;
    const kind = random();
    if (kind < 0.15) delete holder[key];
    else if (kind < 0.3 && typeof at === 'number') holder[key] = at * pick(random, [-1, 0, 2, 0.5, 1e6, 1e12]);
    else if (kind < 0.4) holder[`${key}x`] = at;
    else if (kind < 0.5) holder[key] = [at, at];
    else holder[key] = structuredClone(pick(random, ODD));
  }
  return root;
}

/** Flips, removes, duplicates and inserts bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes.slice();
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * (random() < 0.7 ? Math.min(result.length, 600) : result.length));
    const kind = random();
    if (result.length === 0) break;
    if (kind < 0.5) result[at] = Math.floor(random() * 256);
    else if (kind < 0.65) result = result.slice(0, at);
    else if (kind < 0.8)
      result = Uint8Array.from([...result.subarray(0, at), ...result.subarray(Math.max(0, at - 20))]);
    else if (kind < 0.9) result.fill(pick(random, [0, 0x30, 0x5b, 0xff]), at, at + Math.floor(random() * 40));
    else
      result = Uint8Array.from([
        ...result.subarray(0, at),
        ...new TextEncoder().encode(
          pick(random, ['[', '{"a":', '1e999', '-', '"', '\\u0000', '99999999999999999999', ']]']),
        ),
        ...result.subarray(at),
      ]);
  }
  return result;
}

/** Runs `read` on `inputs` inputs and counts the outcomes. */
export async function drive(
  inputs: number,
  seed: number,
  read: (random: Random, index: number) => Promise<void> | void,
): Promise<FuzzReport> {
  const report: FuzzReport = { inputs, accepted: 0, refused: {}, failures: [], slowestMs: 0, heapGrowthBytes: 0 };
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < inputs; i++) {
    const started = performance.now();
    try {
      await read(generator(seed + i), i);
      report.accepted++;
    } catch (error) {
      if (
        error instanceof Error &&
        error.name === 'CheckpointError' &&
        'code' in error &&
        'file' in error &&
        error.file !== ''
      )
        report.refused[String(error.code)] = (report.refused[String(error.code)] ?? 0) + 1;
      else
        report.failures.push(
          `seed ${seed + i}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
    }
    report.slowestMs = Math.max(report.slowestMs, performance.now() - started);
    if (report.failures.length > 5) break;
  }
  report.heapGrowthBytes = process.memoryUsage().heapUsed - before;
  return report;
}

export async function fuzzConfig(inputs: number, seed: number): Promise<FuzzReport> {
  const texts = await Promise.all(
    FAMILIES.map(async (family) => new Uint8Array(await readFile(fixture(`checkpoints/${family}/config.json`)))),
  );
  return drive(inputs, seed, (random) => {
    const bytes = pick(random, texts);
    const text =
      random() < 0.3
        ? new TextDecoder().decode(mutateBytes(bytes, random))
        : JSON.stringify(mutateJson(JSON.parse(new TextDecoder().decode(bytes)), random));
    parseConfig(parseJson(text, 'config.json'), 'config.json');
  });
}

/** Fuzzes safetensors files: opens them and reads every listed tensor. */
export async function fuzzSafetensors(inputs: number, seed: number): Promise<FuzzReport> {
  const directory = await mkdtemp(join(tmpdir(), 'fuzz-'));
  const path = join(directory, 'model.safetensors');
  const bytes = new Uint8Array(await readFile(fixture('checkpoints/llama2-longlora/adapter_model.safetensors')));
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as unknown;
  try {
    return await drive(inputs, seed, async (random) => {
      await writeFile(
        path,
        random() < 0.5
          ? mutateBytes(bytes, random)
          : withHeader(mutateJson(header, random), bytes.subarray(8 + headerLength)),
      );
      const file = await SafetensorsFile.open(path);
      try {
        for (const name of file.tensors.keys()) await file.readFloat32(name);
      } finally {
        await file.close();
      }
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function withHeader(header: unknown, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** Fuzzes weight indexes, and adapters over a valid base. */
export async function fuzzAdapter(inputs: number, seed: number): Promise<FuzzReport> {
  const directory = await mkdtemp(join(tmpdir(), 'fuzz-'));
  const source = fixture('checkpoints/llama2-longlora');
  const config = JSON.parse(await readFile(join(source, 'adapter_config.json'), 'utf8')) as unknown;
  const weights = new Uint8Array(await readFile(join(source, 'adapter_model.safetensors')));
  const index = JSON.parse(
    await readFile(fixture('checkpoints/llama3/model.safetensors.index.json'), 'utf8'),
  ) as unknown;
  const base = await openWeights(fixture('checkpoints/llama2'));
  await writeFile(
    join(directory, 'trainable_params.safetensors'),
    await readFile(join(source, 'trainable_params.safetensors')),
  );
  try {
    return await drive(inputs, seed, async (random) => {
      if (random() < 0.25) {
        await writeFile(join(directory, 'model.safetensors.index.json'), JSON.stringify(mutateJson(index, random)));
        await (await openWeights(directory)).close();
        return;
      }
      await writeFile(
        join(directory, 'adapter_config.json'),
        JSON.stringify(random() < 0.7 ? mutateJson(config, random) : config),
      );
      await writeFile(
        join(directory, 'adapter_model.safetensors'),
        random() < 0.4 ? mutateBytes(weights, random) : weights,
      );
      // The base stays open for the next input, so only the adapter's own files are closed.
      const merged = await LoraSource.open(
        {
          names: () => base.names(),
          has: (n) => base.has(n),
          info: (n) => base.info(n),
          readFloat32: (n, r) => base.readFloat32(n, r),
          close: () => Promise.resolve(),
        },
        directory,
      );
      try {
        await merged.readFloat32('model.layers.0.self_attn.q_proj.weight');
      } finally {
        await merged.close();
      }
    });
  } finally {
    await base.close();
    await rm(directory, { recursive: true });
  }
}

/** Fuzzes tokenizers: builds them, and uses them on a text and on ids. */
export async function fuzzTokenizer(inputs: number, seed: number): Promise<FuzzReport> {
  const bytes = new Uint8Array(await readFile(fixture('checkpoints/smollm2/tokenizer.json')));
  const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return drive(inputs, seed, (random) => {
    const text =
      random() < 0.2 ? new TextDecoder().decode(mutateBytes(bytes, random)) : JSON.stringify(mutateJson(json, random));
    const tokenizer = Tokenizer.fromJson(parseJson(text, 'tokenizer.json'), {}, 'tokenizer.json', 512);
    tokenizer.decode(tokenizer.encode('The keeper counted 3 ships, aaaaaaaaaaaaaaaaaaaaaaaa! 世'));
    const stream = tokenizer.stream();
    for (const id of [0, 5, 250, 319, 500]) stream.push(id);
    stream.end();
  });
}

/** Fuzzes chat templates made of random pieces. */
export function fuzzChat(inputs: number, seed: number): Promise<FuzzReport> {
  const pieces = [
    '{% for m in messages %}',
    '{% endfor %}',
    '{% if m.role == "user" %}',
    '{% endif %}',
    '{% else %}',
    '{{ m.content }}',
    '{{ messages[0]["content"] | trim }}',
    '{{ bos_token }}',
    '{% set x = x ~ "a" %}',
    '{{ x + x }}',
    '{% set ns = namespace(s="ab") %}',
    '{% for i in range(999) %}',
    '{% set ns.s = ns.s + ns.s %}',
    '{{ range(100000000) }}',
    '{{ ns.s | length }}',
    '{% macro f(a) %}',
    '{% endmacro %}',
    '{{ f(f(1)) }}',
    '{{ raise_exception("no") }}',
    '{{ "x" * 999999 }}',
    '{{ messages | tojson(indent=99999999) }}',
    '{{ "a" | indent(99999999) }}',
    '{{ m.content.split("") | join(ns.s) }}',
    '{{ "aaaa" | replace("a", ns.s) }}',
    '{{ undefined.x.y }}',
    '{%',
    '}}',
    '{#',
    '"',
    '{{ 1 / 0 }}',
    '{{ strftime_now("%Y") }}',
    '{{ [1,2,3][::-1] }}',
  ];
  return drive(inputs, seed, (random) => {
    const text = Array.from({ length: 1 + Math.floor(random() * 14) }, () => pick(random, pieces)).join('');
    ChatTemplate.parse(text, 'template').render([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Ho' },
    ]);
  });
}
