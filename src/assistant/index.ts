/** Public entry of the assistant: questions, explanations, summaries, hovers and citations over a workspace. */
export { ask, prepareAnswer } from './ask';
export { composeContext } from './context';
export type { AskRequest, AskTools, WriterState } from './ask-tools';
export type { AssistantLibrary } from './library';
export { locateCitation, locateInLines } from './citations';
export type { CommitHistory } from './history/changes';
export { explain } from './explain';
export type { ExplainRequest, ExplainTools } from './explain';
export { ExplanationCache } from './explanation/explanation-cache';
export { hover } from './hover';
export type { HoverRequest, HoverTools } from './hover';
export { errorForUser, readOrThrow } from './read-document';
export { findRelated } from './related';
export { summarize } from './summarize';
export type { SummarizeTools } from './summarize';
