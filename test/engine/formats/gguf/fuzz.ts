import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, ggufSummary, openCheckpoint } from '../../../../src/engine';
import { generator } from '../../../../src/engine/generate/sampling';
import { fixtureGguf, gguf, u32, type GgufTensorData, type Value } from './write-gguf';

export interface GgufFuzzReport {
  inputs: number;
  accepted: number;
  refused: Record<string, number>;
  /** Outcomes that are neither a model nor a CheckpointError with file and reason. Each is a bug. */
  failures: string[];
  slowestMs: number;
}

type Random = () => number;
const below = (random: Random, limit: number) => Math.floor(random() * limit);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

/** Numbers that lengths, counts, offsets and types lie with. */
const ODD = [0, 1, 2, 3, 7, 8, 9, 12, 13, 31, 32, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** One to four changes: bytes, words and long words replaced, pieces cut, doubled or swapped. */
function mutate(original: Uint8Array, headerEnd: number, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let change = 1 + below(random, 4); change > 0 && bytes.length > 16; change--) {
    // Headers are where lies do harm; weights are hit seldom.
    const at = below(random, random() < 0.9 ? Math.min(headerEnd, bytes.length - 8) : bytes.length - 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (below(random, 8)) {
      case 0:
        view.setUint8(at, below(random, 256));
        break;
      case 1:
        view.setUint32(at, pick(random, ODD), true);
        break;
      case 2:
        view.setBigUint64(at, (1n << BigInt(below(random, 64))) - BigInt(below(random, 2)), true);
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4: {
        const piece = bytes.slice(at, at + 1 + below(random, 200));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
        break;
      }
      case 5:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(random, 200))]);
        break;
      case 6:
        view.setFloat32(at, pick(random, [NaN, Infinity, -Infinity, -0, 1e38]), true);
        break;
      default:
        bytes.copyWithin(at, below(random, bytes.length), below(random, bytes.length));
    }
  }
  return bytes;
}

const strings = (values: string[]): Value => ({ type: 'array', of: 'string', values });

async function seeds(): Promise<{ bytes: Uint8Array; headerEnd: number }[]> {
  const bases: { metadata: Record<string, Value>; tensors: GgufTensorData[] }[] = [];
  for (const [family, architecture] of [
    ['qwen2', 'qwen2'],
    ['llama3', 'llama'],
    ['phi3', 'phi3'],
  ] as const) {
    const { metadata, tensors, checkpoint } = await fixtureGguf(family, architecture);
    await checkpoint.close();
    bases.push({ metadata, tensors });
  }
  const tokenizers: Record<string, Value>[] = [
    {
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'qwen2',
      'tokenizer.ggml.tokens': strings(['a', 'b', 'ab', 'Ġ', '<|im_end|>']),
      'tokenizer.ggml.merges': strings(['a b']),
      'tokenizer.chat_template': '{% for m in messages %}{{ m.content }}{% endfor %}',
    },
    {
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': strings(['<unk>', '<s>', '</s>', '▁', 'a', 'b', 'ab', '<0x0A>']),
      'tokenizer.ggml.scores': { type: 'array', of: 'f32', values: [0, 0, 0, -1, -2, -3, -1.5, 0] },
      'tokenizer.ggml.token_type': { type: 'array', of: 'i32', values: [2, 3, 3, 1, 1, 1, 1, 6] },
      'split.count': u32(1),
    },
  ];
  return bases.flatMap(({ metadata, tensors }) =>
    tokenizers.map((tokenizer) => {
      const bytes = gguf({ ...metadata, ...tokenizer }, tensors);
      const weights = tensors.reduce((sum, each) => sum + each.bytes.length, 0);
      return { bytes, headerEnd: Math.max(64, bytes.length - weights) };
    }),
  );
}

/** Opens mutated files whole: header, config, tokenizer, template, and some weights. */
export async function fuzzGguf(inputs: number, seed: number): Promise<GgufFuzzReport> {
  const random = generator(seed);
  const originals = await seeds();
  // Files in memory, where the system has such a folder: a hundred thousand are written.
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gguf-fuzz-'));
  const path = join(directory, 'model.gguf');
  const report: GgufFuzzReport = { inputs, accepted: 0, refused: {}, failures: [], slowestMs: 0 };
  try {
    for (let i = 0; i < inputs; i++) {
      const { bytes, headerEnd } = pick(random, originals);
      writeFileSync(path, mutate(bytes, headerEnd, random));
      const started = performance.now();
      try {
        await ggufSummary(path);
        const checkpoint = await openCheckpoint(path);
        try {
          const tokenizer = await checkpoint.openTokenizer();
          tokenizer.decode(tokenizer.encode('ab a b\n'));
          (await checkpoint.openChatTemplate())?.render([{ role: 'user', content: 'ab' }]);
          const name = pick(random, checkpoint.tensors.names());
          await checkpoint.tensors.readFloat32(name);
        } finally {
          await checkpoint.close();
        }
        report.accepted++;
      } catch (error) {
        if (error instanceof CheckpointError && error.message.includes('model.gguf'))
          report.refused[error.code] = (report.refused[error.code] ?? 0) + 1;
        else
          report.failures.push(`input ${i} of seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
      }
      report.slowestMs = Math.max(report.slowestMs, performance.now() - started);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return report;
}
