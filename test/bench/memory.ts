/**
 * Benches of the whole-workspace memory:
 * `npm run bench -- memory [PART …] [--checkpoint DIR] [--text DIR] [--repos DIR] [--shared DIR] [--tokens N]
 * [--threads N] [--pairs N] [--long]`.
 *
 * scale     cost per token, store and eviction, from 64k tokens
 * warm      a question's first token: from the cache, read now, read afresh, llama.cpp's saved state
 * causal    following text, ranking and needles, with memories unchanged, in 8 bits, zeroed, of another file, left out
 * needles   a passkey, one key among similar ones, four keys: memories alone, without the lexical rank, the whole
 *           product; plain window, Λ, BM25
 * ratios    values preserved by rows for 8 or 32 tokens, by bits and number of segments
 * composition  a checkpoint without training for composition (--chosen): spliced segments and the same read afresh;
 *           of a .gguf file, what stands for the texts (--texts N) in an eighth of the rows
 * fused     retrieval with memories and the lexical scorer (--repos)
 *
 * The default is all parts. The checkpoint is the given one, else the bundled one, else random weights of its shape,
 * which give only times and sizes. Default runs are samples. `--long` runs the whole: scale to 4M tokens, questions and
 * needles at 1M (or `--tokens`), all repositories. The text is the given folder, else this repository's sources.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { EngineModel } from '../../src/inference/engine-model';
import type { MemoryModel } from '../../src/inference/memory-model';
import { writeMemoryCheckpoint } from '../inference/memory-checkpoint';
import { causality } from './memory/causal';
import { composition } from './memory/composition';
import { fused } from './memory/fused';
import { needles } from './memory/needles';
import { ratios } from './memory/ratios';
import { scale } from './memory/scale';
import { warm } from './memory/warm';

export async function run(args: readonly string[] = []): Promise<void> {
  const value = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const scratch = mkdtempSync(join(tmpdir(), 'anchorage-memory-bench-'));
  try {
    const directory = value('--checkpoint') ?? bundled() ?? randomCheckpoint(scratch);
    const threads = Number(value('--threads') ?? 2);
    const model = await EngineModel.load({
      directory,
      compiledDirectory: join(scratch, 'compiled'),
      ...(existsSync(ENCODER) ? { encoderDirectory: ENCODER } : {}),
      weights: 'auto',
      threads,
    });
    const memory = model.memory;
    if (!memory) throw new Error(`${directory} has no memory slots`);
    const shared = resolve(value('--shared') ?? process.env['ANCHORAGE_SHARED'] ?? '../shared/data');
    const long = args.includes('--long');
    const tokens = value('--tokens') === undefined ? undefined : Number(value('--tokens'));
    const texts = sources(value('--text') ?? join(process.cwd(), 'src'));
    console.log(
      `${model.description.detail}\n${threads} threads; memories of ${JSON.stringify(memory.description.ratios)}, ${memory.description.storedRowBytes} bytes per row, ${texts.length} files of text\n`,
    );
    const parts: Record<string, (memory: MemoryModel) => Promise<void>> = {
      scale: (own) => scale(own, texts, tokens ?? (long ? 4_194_304 : 262_144), join(scratch, 'store'), threads),
      warm: (own) => warm(own, directory, texts, tokens ?? (long ? 1_048_576 : 262_144), threads),
      causal: (own) => causality(own, texts, Number(value('--pairs') ?? 100)),
      needles: (own) =>
        needles(
          own,
          texts,
          tokens ? [tokens] : long ? [4_096, 32_768, 131_072, 524_288, 1_048_576] : [4_096, 16_384],
          long ? 20 : 4,
          join(scratch, 'needles'),
        ),
      ratios: (own) => ratios(own, texts, long ? 100 : 24),
      composition: () =>
        composition(shared, value('--chosen'), directory, texts, Number(value('--texts') ?? (long ? 1_000 : 24))),
      fused: (own) =>
        fused(own, { repos: value('--repos') ?? process.env['ANCHORAGE_BENCH_REPOS'], shared, whole: long }),
    };
    const asked = Object.keys(parts).filter((part) => args.includes(part));
    for (const part of asked.length > 0 ? asked : Object.keys(parts)) await parts[part]?.(memory);
    await model.close();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The sentence encoder, where `npm run build` has compiled it. */
const ENCODER = join(process.cwd(), 'dist', 'models', 'all-minilm-l6-v2');

function bundled(): string | undefined {
  const models = join(process.cwd(), 'models');
  const name = readdirSync(models)
    .filter((each) => each.startsWith('anchorage-') && existsSync(join(models, each, 'memory.safetensors')))
    .sort()
    .at(-1);
  return name && join(models, name);
}

function randomCheckpoint(scratch: string): string {
  console.log(
    'No checkpoint with memory slots was found. Random weights of the 8m shape give real times and sizes; likelihoods are noise.',
  );
  writeMemoryCheckpoint(join(scratch, 'random'), '8m');
  return join(scratch, 'random');
}

const KINDS = new Set(['.ts', '.py', '.go', '.rs', '.js', '.java', '.c', '.md']);

function sources(folder: string): { path: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => KINDS.has(extname(path)) && !path.includes('node_modules') && statSync(join(folder, path)).isFile(),
    )
    .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }))
    .filter(({ text }) => text.length > 400 && text.length < 200_000)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
