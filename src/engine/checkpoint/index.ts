export { ChatTemplate, type ChatMessage, type ChatOptions } from '../tokenizer/chat-template';
export { lineEnds, readAnchorRule, withAnchors, type AnchorRule } from './anchor-rule';
export { CheckpointError, type CheckpointErrorCode } from './errors';
export { applyRope, standardFactors, storedRopeNames, storeFactors, type StoredFactors } from '../rope/rope-factors';
export { TextStream, Tokenizer } from '../tokenizer/tokenizer';
export { isCheckpoint, openCheckpoint, type OpenOptions } from './open';
export type * from './types';
