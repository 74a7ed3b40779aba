/**
 * Whole-workspace memory, measured:
 * `npm run bench -- memory [PART …] [--checkpoint DIR] [--text DIR] [--repos DIR] [--shared DIR] [--tokens N]
 * [--threads N] [--pairs N] [--long]`.
 *
 * scale     cost a token, store and eviction from 64k tokens on
 * warm      a question's first token: from the cache, read now, read afresh, llama.cpp's saved state
 * causal    what follows, ranking and needles with memories as they are, in 8 bits, zeroed, of another file, left out
 * needles   a passkey, one key among look-alikes, four keys: memories alone, without the lexical rank, the whole
 *           product; plain window, Λ, BM25
 * ratios    which values come through rows that stand for 8 or 32 tokens, and in how many bits, among how many segments
 * composition  for a checkpoint that was not trained for it (--chosen): segments spliced against the same read afresh
 * fused     retrieval with vectors and attention beside the lexical ranker (--repos)
 *
 * Without a part all are run. The checkpoint is the one given, else the bundled one, else random weights of its shape,
 * which give times and sizes but nothing else. What is measured quickly is a sample; `--long` takes the whole: scale to
 * 4M tokens, questions and needles at 1M (`--tokens` says how many instead), all repositories. Text: the folder given,
 * else this repository's sources.
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
      `${model.description.detail}\n${threads} threads; memories of ${JSON.stringify(memory.description.ratios)}, ${memory.description.storedRowBytes} bytes a row, ${texts.length} files of text\n`,
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
      composition: () => composition(shared, value('--chosen'), directory, texts, long ? 1_000 : 24),
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
    'No checkpoint with memory slots is here: random weights of the 8m shape, so times and sizes are real and likelihoods are those of noise.',
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
