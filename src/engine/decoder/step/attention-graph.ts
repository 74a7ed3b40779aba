import type { ModelConfig } from '../../checkpoint/types';
import { GraphBuilder } from '../../onnx/graph';
import { splitAttention, type CachedRows, type NewRows } from '../attention-nodes';
import type { CacheType } from '../options';

/** far: cached rows of a second kind are seen at the ceiling distance; middle: and the so many best of a third. */
export interface AttentionVariant {
  far: boolean;
  middle?: number;
}

/**
 * The attention of one layer to one new row: the same nodes as in the decode graph of the whole model, so that every policy holds here as there.
 *
 * Inputs q [1, 1, H·D], k and v [1, 1, K·D], rotated; near_keys, near_values [1, K, P, D] in the cache's type; bias [1, 1, 1, T]; parts int64; with far rows also
 * q_far, far_keys, far_values; with middle rows q_middle, middle_keys, middle_values, middle_bias. Output `attended` [1, 1, H·D].
 */
export function attentionGraph(config: ModelConfig, cache: CacheType, { far, middle }: AttentionVariant): Uint8Array {
  const g = new GraphBuilder('attention');
  const { queryHeads, kvHeads, headDim } = config;
  const query = (name: string) => g.input(name, 'float32', [1, 1, queryHeads * headDim]);
  const cached = (name: string, rows: string) => {
    g.input(name, cache, [1, kvHeads, rows, headDim]);
    return cache === 'float32' ? name : g.cast(name, 'float32');
  };
  const rows: NewRows = {
    q: query('q'),
    k: g.input('k', 'float32', [1, 1, kvHeads * headDim]),
    v: g.input('v', 'float32', [1, 1, kvHeads * headDim]),
  };
  const seen: CachedRows = { nearKeys: cached('near_keys', 'near'), nearValues: cached('near_values', 'near') };
  if (far) {
    rows.qFar = query('q_far');
    seen.farKeys = cached('far_keys', 'far');
    seen.farValues = cached('far_values', 'far');
  }
  if (middle !== undefined) {
    rows.qMiddle = query('q_middle');
    const bias = g.input('middle_bias', 'float32', [1, 1, 1, 'middle']);
    seen.middle = { keys: cached('middle_keys', 'middle'), values: cached('middle_values', 'middle'), bias, k: middle };
  }
  const bias = g.input('bias', 'float32', [1, 1, 1, 'seen']);
  const parts = g.input('parts', 'int64', ['parts']);
  g.node('Identity', [splitAttention(g, config, rows, seen, bias, parts)], { outputs: ['attended'] });
  g.output('attended', 'float32', [1, 1, queryHeads * headDim]);
  return g.build();
}
