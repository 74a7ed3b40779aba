export { fitPrompt, type CutRule, type FittedPrompt, type PromptCut } from './budget';
export { generate, RopeFollower, type GenerateOptions, type Generated } from './generate';
export {
  defaultEdges,
  measurePerplexity,
  negativeLogLikelihood,
  type PerplexityBucket,
  type PerplexityOptions,
  type PerplexityReport,
} from './perplexity';
export { readingContext } from './reading-context';
export { Sampler, type SamplingOptions } from './sampling';
export { StopStrings } from './stopping';
