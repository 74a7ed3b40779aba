/** Public interface of this folder: the workspace and its index. */
export * from './types';
export { withSavedTexts } from './document-cache';
export type { DocumentReader, ReadDocument } from './read-document';
export { pageOfMark } from './page-marks';
export {
  type Definition,
  type FileChange,
  type IndexedFile,
  type IndexSettings,
  type Use,
  Workspace,
  type WorkspaceOptions,
  type WorkspaceStatus,
} from './workspace';
export { type LongFiles, type LongFileWindow, LONG_BYTES } from './long-files';
export { entryOf, languageOf } from './languages';
export { isUntitled } from './untitled';
export { type PathKind, pathKind } from './path-kind';
export { isPlainText } from './sources/extractors';
export { parseGitConfig } from './sources/git-config';
export { ReadError } from './sources/read';
export { extractFunctions } from './segments/functions';
export { commentLines } from './segments/comments';
export { passagesOf, type ProsePassage } from './segments/passages';
export { withoutRoles } from './segments/roles';
export { type TextUnit, unitsOf } from './segments/units';
export { SEGMENTER_VERSION } from './segments/limits';
export { checkIndex } from './store/check';
export { indexFolder } from './store/folders';
export { indexFiles, indexFormat } from './store/index-files';
export { StoreLock } from './store/lock';
export type { StoreAccess, StoreOptions } from './store/open-store';
export { LexicalIndex } from './lexical/lexical-index';
export {
  type BestSegment,
  type DocumentHit,
  type LexicalResult,
  MAX_QUERY_TERMS,
  type SegmentHit,
} from './lexical/results';
export { stem } from './lexical/stem';
export {
  definitionTerm,
  nameTerms,
  scanTokens,
  splitIdentifier,
  tokenTerms,
  wholeTerm,
  wordTerm,
} from './lexical/terms';
export { TokenTable } from './lexical/token-table';
export { isFunctionWord, languageOfQuestion, type WrittenLanguage } from './lexical/written-language';
export type { FieldWeights, QueryTerm } from './lexical/types';
