/**
 * Compares the engine with its peers and with its own variants:
 * `npm run bench -- engine [llama] [transformers] [policies] [segments] [opening] [text] [loading] [cancelling]
 * [recall] [--long] [--threads 1,2] [--depths 0,2048] [--weights 4bit,8bit]`.
 * Without a part it runs all. `--long` adds contexts of 32k rows and texts of 32,768 tokens.
 */
import type { WeightFormat } from '../../src/engine';
import { cancelling, loadAlone, loading } from './engine/limits';
import { againstLlama } from './engine/llama';
import { againstTransformersJs } from './engine/transformers-js';
import { recall } from './engine/recall';
import { opening, policySpeed, segmentSpeed } from './engine/policies';
import { lmInfinite } from './engine/text';

export async function run(args: readonly string[] = []): Promise<void> {
  // A child process of `loading`.
  if (args[0] === 'load-alone') return loadAlone(args[1] as WeightFormat, Number(args[2]), args[3] === 'true');
  const long = args.includes('--long');
  const list = (name: string, standard: string) =>
    (args.includes(name) ? (args[args.indexOf(name) + 1] ?? standard) : standard).split(',');
  const threads = list('--threads', '1,2').map(Number);
  const depths = list('--depths', long ? '0,2048,8192,32768' : '0,2048').map(Number);
  const parts: Record<string, () => Promise<void>> = {
    text: () => lmInfinite(long ? 32_768 : 8192),
    segments: async () => {
      for (const count of threads) await segmentSpeed(count);
    },
    opening,
    loading: async () => loading(),
    cancelling,
    recall,
    policies: () => policySpeed(threads[0] as number),
    transformers: () => againstTransformersJs(depths.includes(8192) ? depths : [...depths, 8192], threads[0] as number),
    llama: () => againstLlama(depths, threads, list('--weights', '4bit,8bit') as WeightFormat[]),
  };
  const asked = Object.keys(parts).filter((part) => args.includes(part));
  for (const part of asked.length > 0 ? asked : Object.keys(parts)) await parts[part]?.();
}
