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
export { comparedIn, type QuestionForm } from './query/forms';
export { parseQuestion, type Question } from './query/question';
export { givesNumber } from './query/values';
export { isLicence, type RankedSite, type SiteForm } from './sites';
export type { Listing, ListItem } from './listing';
export { TermCoverage, termsIn } from './query/term-coverage';
export { SEARCH_WEIGHTS, type SearchWeights } from './weights';
