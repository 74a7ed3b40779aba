/**
 * One line that says what a text is about, written from its rows or from its memories alone (recipe,
 * tasks_examples.py).
 */
import { memories, type KvRows } from '../engine';
import { joinBytes, joinFine, storedRowBytes, unpackRows } from '../memory/rows';
import { writeGreedily } from './greedy';
import type { MemoryCoder } from './memory-coder';
import { sharedPositions } from './memory-composer';
import type { Gist, GistItem } from '../protocol/memory';

export const GIST_TOKENS = 40;

/** What a gist is written from: rows, and how many tokens they stand for. */
interface Source {
  blocks: readonly KvRows[];
  tokens: number;
  memories: boolean;
}

/**
 * The gist of each item. A text that is short enough is read in full; a longer one is read run by run, each compressed
 * to its memories, and none of it is left out. Undefined where the model has no word for gists.
 */
export async function writeGists(
  coder: MemoryCoder,
  items: readonly GistItem[],
  signal?: AbortSignal,
): Promise<Gist[]> {
  const { gistToken, sinkTokens } = coder.config;
  if (gistToken === undefined)
    return items.map(() => ({ text: '', confidence: 0, tokens: 0, rows: 0, fromMemories: false }));
  const { decoder, tokenizer, rope } = coder;
  const gists: Gist[] = [];
  for (const item of items) {
    signal?.throwIfAborted();
    const { blocks, tokens, memories: fromMemories } = await sourceOf(coder, item, signal);
    const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
    const context = decoder.newContext(
      memories({ sinks: sinkTokens.length }),
      sinkTokens.length + rows + 1 + GIST_TOKENS,
      { rope },
    );
    if (sinkTokens.length > 0) await context.prefill(sinkTokens, { logits: 'none' });
    for (const block of blocks) context.splice(block, fromMemories ? 0 : context.position, 'gist');
    const { logits } = await context.prefill([gistToken], { signal });
    const written = await writeGreedily(decoder, tokenizer, context, logits, { maxNewTokens: GIST_TOKENS, signal });
    gists.push({
      text: written.text.replace(/\s+/g, ' ').trim(),
      confidence: written.confidence,
      tokens,
      rows,
      fromMemories,
    });
  }
  return gists;
}

async function sourceOf(coder: MemoryCoder, item: GistItem, signal?: AbortSignal): Promise<Source> {
  if ('rows' in item)
    return { blocks: memoryBlocks(coder, item.rows, item.tokens), tokens: item.tokens, memories: true };
  const tokens = coder.tokens(item.text);
  const { ratios } = coder.config;
  if (tokens.length > 0 && tokens.length <= ratios.segmentTokens) {
    const [read] = await coder.decoder.encodeSegments(
      [{ tokens, keep: tokens.map((_, i) => i) }],
      coder.encodeOptions(signal),
    );
    return { blocks: read ? [read.rows] : [], tokens: tokens.length, memories: false };
  }
  const [made] = await coder.encode([item.text], signal);
  const rows = made ? joinFine(made.coarse, made.rest, made.tokens, made.bytesPerRow, ratios) : new Uint8Array(0);
  return { blocks: memoryBlocks(coder, rows, made?.tokens ?? 0), tokens: made?.tokens ?? 0, memories: true };
}

/**
 * Memory rows at positions behind the sinks; when there are more than the window has positions, they share them in
 * order.
 */
function memoryBlocks({ decoder, config }: MemoryCoder, rows: Uint8Array, tokens: number): KvRows[] {
  const bytes = joinBytes([rows]);
  const count = bytes.byteLength / storedRowBytes(decoder.config);
  if (count === 0) return [];
  const from = config.sinkTokens.length;
  return [
    unpackRows(
      bytes,
      decoder.config,
      sharedPositions(count, from, decoder.config.maxPositions - from - 1 - GIST_TOKENS),
      tokens,
    ),
  ];
}
