/** Sizes and offsets (bytes) of pages, tasks and partial results of the attention kernels. */

import { BLOCK, blocksOf } from '../quantize';
import { ACTIVATION_BLOCK_BYTES, GROUP, weightBlockBytes } from './layout';

/** Slots of a page. Its keys (18 kB of 64 dimensions) stay in the first cache while all heads of a group read them. */
export const PAGE_SLOTS = 256;

/** Layout of a page for one layer and key head. Offsets in bytes. */
export interface PagePart {
  /** Blocks of 32 dimensions, and groups of 16. */
  blocks: number;
  groups: number;
  values: number;
  scales: number;
  bytes: number;
}

export function pagePart(headDim: number): PagePart {
  const blocks = blocksOf(headDim);
  const groups = Math.ceil(headDim / GROUP);
  const values = (PAGE_SLOTS / GROUP) * blocks * weightBlockBytes(8);
  const scales = values + groups * GROUP * PAGE_SLOTS;
  return { blocks, groups, values, scales, bytes: scales + PAGE_SLOTS * 4 };
}

/** A task: one page, one key head. Its page's address is that of layer 0. */
export const TASK = { bytes: 64, page: 0, query: 4, bias: 8, slots: 12, partial: 16, scratch: 20 } as const;
/** Scores of a page, and their shares as activation blocks. */
export const SCRATCH_BYTES = PAGE_SLOTS * 4 + (PAGE_SLOTS / BLOCK) * ACTIVATION_BLOCK_BYTES;
/** Largest score (f32) and sum of numerators (f32), then the summed values. */
export const PARTIAL = {
  most: 0,
  sum: 4,
  values: 16,
  bytes: (headDim: number) => 16 + Math.ceil(headDim / GROUP) * GROUP * 4,
} as const;
