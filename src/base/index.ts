/** Utilities that every layer shares. None needs Node, so the webviews may import them. `node.ts` has the others. */
export { AppError, errorCode, messageOf, throwIfCancelled } from './app-error';
export type { Checked } from './checked';
export { ByteCache } from './byte-cache';
export {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatLines,
  formatNumber,
  formatPercent,
  formatShare,
  splitPath,
} from './format';
export { inParallel } from './in-parallel';
export { indentOf, isBlank, LineTable, splitLines, textOfLines } from './lines';
export { linkedMarkdown } from './linked-markdown';
export { printable, printableJson, printableName } from './printable';
export { ExclusiveQueue, Foreground, type WorkClass } from './scheduler';
export { SerialQueue } from './serial-queue';
