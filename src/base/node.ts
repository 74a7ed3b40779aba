/** Shared utilities that need Node. */
export { sha256 } from './hash';
export { makeDirectory } from './make-directory';
export { BlockChecksums } from './block-checksums';
export { cacheDirectory, DEFAULT_SETTINGS, defaultStorage, distinctNames } from './without-editor';
