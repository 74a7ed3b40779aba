/**
 * Finds the parts of a text of any length that share most with a question. The whole text is read once, in blocks, and
 * only the counts of each block are kept.
 */
import { type TextWindow, textWindows } from './text-windows';

/** A block of whole lines (text-windows.ts). */
export type Block = Pick<TextWindow, 'startLine' | 'start' | 'end'>;

export interface ScanOptions {
  /** Weight of each term: a stem or an identifier, in lower case. */
  terms: ReadonlyMap<string, number>;
  /** Number of blocks to return at most. */
  most: number;
  /** Only blocks with one of these lines count. */
  lines?: { startLine: number; endLine: number } | undefined;
  /** Called with the bytes read so far. */
  progress?: ((bytes: number) => void) | undefined;
  /** The editor's encoding of a text that is not Unicode. */
  encoding?: string | undefined;
  signal?: AbortSignal | undefined;
}

export const BLOCK_BYTES = 64 << 10;
/** Further terms of a question are not counted. */
const MAX_TERMS = 24;
/** Further occurrences in a block add nothing. */
const MAX_COUNT = 255;
/** Occurrences at which a term reaches half of its weight. */
const HALF = 1.5;

/**
 * The best blocks, in the order of the file. Without a word of the question in the text these are its first ones.
 *
 * @throws ReadError
 */
export async function bestBlocks(file: string, options: ScanOptions): Promise<readonly Block[]> {
  const { most, lines, progress, signal, encoding } = options;
  const terms = [...options.terms].sort(([, a], [, b]) => b - a).slice(0, MAX_TERMS);
  const index = new Map(terms.map(([term], i) => [term, i]));
  const pattern = patternOf(terms.map(([term]) => term));
  const blocks: (Block & { counts: Uint8Array })[] = [];
  for await (const { text, startLine, start, end } of textWindows(file, { bytes: BLOCK_BYTES, signal, encoding })) {
    progress?.(end);
    if (lines && startLine > lines.endLine) break;
    const counts = new Uint8Array(terms.length);
    if (pattern)
      for (const [word] of text.matchAll(pattern)) {
        const at = index.get(word.toLowerCase());
        if (at !== undefined) counts[at] = Math.min(MAX_COUNT, (counts[at] ?? 0) + 1);
      }
    blocks.push({ startLine, start, end, counts });
  }
  const inside = lines ? blocks.filter((_, i) => (blocks[i + 1]?.startLine ?? Infinity) > lines.startLine) : blocks;
  const weights = terms.map(([, weight], i) => {
    const having = inside.reduce((sum, { counts }) => sum + (counts[i] ? 1 : 0), 0);
    return weight * Math.log(1 + (inside.length + 1) / (having + 0.5));
  });
  const scoreOf = ({ counts }: { counts: Uint8Array }): number =>
    counts.reduce((sum, count, i) => sum + ((weights[i] ?? 0) * count) / (count + HALF), 0);
  return inside
    .map((block) => ({ block, score: scoreOf(block) }))
    .sort((a, b) => b.score - a.score || a.block.start - b.block.start)
    .slice(0, most)
    .sort((a, b) => a.block.start - b.block.start)
    .map(({ block: { startLine, start, end } }) => ({ startLine, start, end }));
}

/** Matches each term anywhere, longest first, so that parts of identifiers and inflected words count. */
function patternOf(terms: readonly string[]): RegExp | undefined {
  const written = [...terms]
    .sort((a, b) => b.length - a.length)
    .map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return written.length > 0 ? new RegExp(written.join('|'), 'gi') : undefined;
}
