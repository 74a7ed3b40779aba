/**
 * The engine beside its peers and beside itself: `npm run bench -- engine [llama] [policies] [segments] [opening] [text] [--long] [--threads 1,2]`.
 * Without a part all are run. `--long` adds contexts of 32k rows and texts of 32,768 tokens.
 */
import { againstLlama } from './engine/llama';
import { opening, policySpeed, segmentSpeed } from './engine/policies';
import { lmInfinite } from './engine/text';

export async function run(args: readonly string[] = []): Promise<void> {
  const long = args.includes('--long');
  const at = args.indexOf('--threads');
  const threads = (at < 0 ? '1,2' : (args[at + 1] ?? '1')).split(',').map(Number);
  const parts: Record<string, () => Promise<void>> = {
    text: () => lmInfinite(long ? 32_768 : 8192),
    segments: async () => { for (const count of threads) await segmentSpeed(count); },
    opening,
    policies: () => policySpeed(threads[0] as number),
    llama: () => againstLlama(long ? [0, 2048, 8192, 32_768] : [0, 2048], threads),
  };
  const asked = Object.keys(parts).filter((part) => args.includes(part));
  for (const part of asked.length > 0 ? asked : Object.keys(parts)) await parts[part]?.();
}
