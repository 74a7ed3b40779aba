/** Damaged and hostile files of checkpoints: config, safetensors, adapters, tokenizer, chat template. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoraSource } from '../../src/engine/adapters/lora';
import { parseConfig } from '../../src/engine/architectures/config';
import { parseJson } from '../../src/engine/checkpoint/json';
import { openWeights, SafetensorsFile } from '../../src/engine/formats/safetensors';
import { ChatTemplate } from '../../src/engine/tokenizer/chat-template';
import { Tokenizer } from '../../src/engine/tokenizer/tokenizer';
import { FAMILIES, fixture } from '../fixtures';
import { type Attacked, pick, type Random, scratchFolder } from './drive';

/** A CheckpointError that names its file. */
export const isCheckpointRefusal = (error: Error): boolean =>
  error.name === 'CheckpointError' && 'code' in error && 'file' in error && error.file !== '';

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
export function mutateJson(value: unknown, random: Random): unknown {
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

export const config: Attacked = {
  name: 'config.json',
  isRefusal: isCheckpointRefusal,
  async open() {
    const texts = await Promise.all(
      FAMILIES.map(async (family) => new Uint8Array(await readFile(fixture(`checkpoints/${family}/config.json`)))),
    );
    return {
      read(random) {
        const bytes = pick(random, texts);
        const text =
          random() < 0.3
            ? new TextDecoder().decode(mutateBytes(bytes, random))
            : JSON.stringify(mutateJson(JSON.parse(new TextDecoder().decode(bytes)), random));
        parseConfig(parseJson(text, 'config.json'), 'config.json');
      },
    };
  },
};

/** Opens the file and reads every listed tensor. */
export const safetensors: Attacked = {
  name: 'safetensors',
  isRefusal: isCheckpointRefusal,
  async open() {
    const folder = await scratchFolder();
    const path = join(folder.path, 'model.safetensors');
    const bytes = new Uint8Array(await readFile(fixture('checkpoints/llama2-longlora/adapter_model.safetensors')));
    const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as unknown;
    return {
      async read(random) {
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
      },
      close: folder.remove,
    };
  },
};

function withHeader(header: unknown, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** Weight indexes, and adapters over a valid base. */
export const adapters: Attacked = {
  name: 'adapters and indexes',
  isRefusal: isCheckpointRefusal,
  async open() {
    const folder = await scratchFolder();
    const directory = folder.path;
    const source = fixture('checkpoints/llama2-longlora');
    const adapterConfig = JSON.parse(await readFile(join(source, 'adapter_config.json'), 'utf8')) as unknown;
    const weights = new Uint8Array(await readFile(join(source, 'adapter_model.safetensors')));
    const index = JSON.parse(
      await readFile(fixture('checkpoints/llama3/model.safetensors.index.json'), 'utf8'),
    ) as unknown;
    const base = await openWeights(fixture('checkpoints/llama2'));
    await writeFile(
      join(directory, 'trainable_params.safetensors'),
      await readFile(join(source, 'trainable_params.safetensors')),
    );
    return {
      async read(random) {
        if (random() < 0.25) {
          await writeFile(join(directory, 'model.safetensors.index.json'), JSON.stringify(mutateJson(index, random)));
          await (await openWeights(directory)).close();
          return;
        }
        await writeFile(
          join(directory, 'adapter_config.json'),
          JSON.stringify(random() < 0.7 ? mutateJson(adapterConfig, random) : adapterConfig),
        );
        await writeFile(
          join(directory, 'adapter_model.safetensors'),
          random() < 0.4 ? mutateBytes(weights, random) : weights,
        );
        // The base stays open for the next input, so only the adapter's own files are closed.
        const merged = await LoraSource.open(
          {
            names: () => base.names(),
            has: (name) => base.has(name),
            info: (name) => base.info(name),
            readFloat32: (name, rows) => base.readFloat32(name, rows),
            close: () => Promise.resolve(),
          },
          directory,
        );
        try {
          await merged.readFloat32('model.layers.0.self_attn.q_proj.weight');
        } finally {
          await merged.close();
        }
      },
      async close() {
        await base.close();
        await folder.remove();
      },
    };
  },
};

/** Builds the tokenizer, and uses it on a text and on ids. */
export const tokenizer: Attacked = {
  name: 'tokenizer.json',
  isRefusal: isCheckpointRefusal,
  async open() {
    const bytes = new Uint8Array(await readFile(fixture('checkpoints/smollm2/tokenizer.json')));
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return {
      read(random) {
        const text =
          random() < 0.2
            ? new TextDecoder().decode(mutateBytes(bytes, random))
            : JSON.stringify(mutateJson(json, random));
        const built = Tokenizer.fromJson(parseJson(text, 'tokenizer.json'), {}, 'tokenizer.json', 512);
        built.decode(built.encode('The keeper counted 3 ships, aaaaaaaaaaaaaaaaaaaaaaaa! 世'));
        const stream = built.stream();
        for (const id of [0, 5, 250, 319, 500]) stream.push(id);
        stream.end();
      },
    };
  },
};

/** Chat templates made of random pieces. */
export const chatTemplate: Attacked = {
  name: 'chat templates',
  isRefusal: isCheckpointRefusal,
  open: () =>
    Promise.resolve({
      read(random) {
        const pieces = Array.from({ length: 1 + Math.floor(random() * 14) }, () => pick(random, PIECES));
        const text = (random() < 0.5 ? closed(pieces) : pieces).join('');
        ChatTemplate.parse(text, 'template').render([
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Ho' },
        ]);
      },
    }),
};

const ENDS: Readonly<Record<string, string>> = { for: '{% endfor %}', if: '{% endif %}', macro: '{% endmacro %}' };

/** The pieces, with each block closed and no end without its beginning: such a template is mostly read, and runs. */
function closed(pieces: readonly string[]): string[] {
  const result: string[] = [];
  const open: string[] = [];
  for (const piece of pieces) {
    const [, word = ''] = /^\{% (\w+)/.exec(piece) ?? [];
    if (word.startsWith('end') || (word === 'else' && open.at(-1) !== ENDS['if']) || HALVES.has(piece)) continue;
    if (word in ENDS) open.push(ENDS[word] as string);
    result.push(piece);
  }
  return [...result, ...open.reverse()];
}

const HALVES = new Set(['{%', '}}', '{#', '"']);
const PIECES = [
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
  ' '.repeat(450),
  '\n\t'.repeat(300),
  `{%-${' '.repeat(700)}`,
  `{{ ${'('.repeat(4_000)}`,
  `{{ "${'\\\\'.repeat(900)}" }}`,
  `{{ m${'.a'.repeat(2_000)} }}`,
];
