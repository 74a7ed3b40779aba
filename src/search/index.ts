/** Public interface of the ranking: query analysis, scorers, and the fused search over a workspace and its memories. */
export {
  Search,
  type RankedMemory,
  type Ranking,
  type SearchMemory,
  type SearchRequest,
  type SearchResult,
  type SearchWorkspace,
} from './search';
export type { SentenceEncoding } from './passages/sentence-vectors';
export { codeNames, identifierWords, withBareNames } from './query/code-names';
export { analyseQuestion } from './query/analysis';
export { parseQuestion, type Question, type QuestionForm } from './query/question';
export { givesNumber } from './query/values';
export { TermCoverage, termsIn } from './query/term-coverage';
export { SEARCH_WEIGHTS, type SearchWeights } from './weights';
