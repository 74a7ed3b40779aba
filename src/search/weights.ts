/**
 * Every tuned number of the ranking. A `Search` takes them as one object, so that a bench or a test can pass others.
 *
 * Document weights are fitted (test/bench/retrieval-fit.ts), scorer weights are chosen on halves of the questions
 * (test/bench/memory/fused.ts), and the rest is set by hand on SWE-QA's gold lines.
 */
import type { FieldWeights } from '../workspace';

/** Weight of each scorer in the fused score. The lexical scorer's own scores range from about 0 to 3. */
export interface ScorerWeights {
  /** Lexical score of a span, as it is. */
  lexical: number;
  /** Cosine of a segment's vector with the question's vector. */
  vector: number;
  /** Late interaction: share of the question found within a window of a segment. */
  lateInteraction: number;
  /** Late interaction: longest run of neighbouring tokens in the question's order. */
  tokenRun: number;
  /** Learned similarity of a segment's mean key and the question's mean query. */
  selection: number;
  /** Share of the question's quoted phrases that a span contains word for word. Set by hand: such questions are few. */
  phrase: number;
}

/**
 * Weight of each document feature (lexical/features.ts); negative for a kind of file that the question does not ask
 * for.
 */
export interface DocumentWeights {
  document: number;
  bestSegment: number;
  nextSegments: number;
  path: number;
  symbols: number;
  bestSymbols: number;
  docComments: number;
  fileName: number;
  folderName: number;
  definesIdentifier: number;
  definesProper: number;
  definesCompound: number;
  calledIdentifier: number;
  mentioned: number;
  test: number;
  example: number;
  docs: number;
  history: number;
  declaration: number;
  entry: number;
  foreign: number;
  config: number;
  tooling: number;
  wanted: number;
}

/** Parts of a span's lexical score. */
export interface SpanWeights {
  /** Score of the span's document. */
  document: number;
  /** BM25 of the span's own text, as a share of the maximum over all terms. */
  body: number;
  /** Overlap of the question with the name of the definition. */
  name: number;
  /** Added when the span defines a name in the question. */
  defines: number;
  /** Overlap of the question with the names of enclosing definitions. */
  breadcrumb: number;
  /** Largest share of the question within a few lines. */
  proximity: number;
  /** BM25's saturation of term frequency. */
  k1: number;
  /** BM25's length normalization, 0…1. */
  b: number;
  /** Tokens of an average span, for the length normalization. */
  averageTokens: number;
  /** A name scores in full once it repeats 1/nameFactor of the question: no name repeats all of a question. */
  nameFactor: number;
  /** Lines between the first and the last term counted by `proximity`. */
  proximityLines: number;
}

/** Weight of a query term by its origin, before inverse document frequency. */
export interface TermWeights {
  /** A plain word. */
  word: number;
  /** A word of design talk ("purpose", "mechanism"). */
  talk: number;
  /** An identifier as a whole. */
  whole: number;
  /** One part of an identifier. */
  part: number;
  /** Factor for text in quotes or backticks. */
  quoted: number;
  /** An occurrence of a short or long form ("config", "configuration") counts as this share of the word. */
  shortForm: number;
  /** The project's own name, said in passing ("How does Flask …"). */
  ownName: number;
  /** Factor for a word of the previous question, when the present question has words of its own. */
  before: number;
  /** The same factor, when the present question has next to none ("and where is it called?"). */
  beforeLittle: number;
  /** Fewer words of its own than this make a question depend on the previous one. */
  enoughWords: number;
  /** A name of code as a whole, in the choice of passages to quote. */
  codeName: number;
  /** A part of such a name. */
  codeNamePart: number;
}

/** How features are measured. */
export interface FeatureSettings {
  /** Largest value of each `defines…` feature; a document may define several names of the question. */
  mostDefined: number;
  /** Value of `mentioned` when the question names a folder of the file only. */
  mentionedFolder: number;
}

/** How many spans one file may take, and what each further span of it loses. */
export interface DiversitySettings {
  /** Penalty for the n-th span of a file, per span before it. */
  penalty: number;
  /** Spans of a file after which each further span costs twice the penalty. */
  doubleAfter: number;
  /** Largest share of the result list that one file takes while other files remain. */
  fileShare: number;
  /** Spans of one file that are always allowed. */
  fileLeast: number;
}

/** Sizes that bound the work of one search. */
export interface SearchLimits {
  /** Spans that are ranked for every search, whatever number is asked for. */
  spans: number;
  /** Documents that the lexical index returns. */
  documents: number;
  /** Documents that the index returns for the names in the question. */
  namedDocuments: number;
  /** Segments per document in the lookup of names. */
  namedSegments: number;
  /** Documents that are read and cut into spans; more are read while the list is not full. */
  documentsRead: number;
  /** Spans cut per span returned: parts of one definition are merged later. */
  cutPerSpan: number;
  /** Segments examined per document, by the document's rank: the first entry whose `below` exceeds the rank applies. */
  segmentsRead: readonly { below: number; segments: number }[];
  /** Segments that a scorer may add to the spans found by words. */
  addedSegments: number;
  /** Longest definition returned whole. */
  definition: { lines: number; characters: number };
  /** Longest definition to which a matching part of it is widened. */
  widened: { lines: number; characters: number };
  /** Milliseconds that a search waits for the question's embedding; then it ranks without memories. */
  embeddingMs: number;
}

/** Late interaction over token vectors (memory/late-interaction.ts). */
export interface LateInteractionSettings {
  /** Tokens of a block; a window is two neighbouring blocks. */
  blockTokens: number;
  /** Exponent of a similarity: a near token counts little beside an equal one. */
  sharpness: number;
  /**
   * Summed weight of a token run that gets the full score. One in a hundred plain-language questions meets such a run
   * by chance.
   */
  longRun: number;
  /** Exponent of a run's share of `longRun`: short runs occur everywhere. */
  runPower: number;
}

/** Which reasons are shown with a result. */
export interface ReasonSettings {
  /** A lexical reason that moved the score by less is not shown. */
  least: number;
  /** A scorer that gives less than this share of its weight is not shown as a reason. */
  scorerShare: number;
  /** Words listed in one reason. */
  words: number;
}

export interface SearchWeights {
  scorers: ScorerWeights;
  documents: DocumentWeights;
  features: FeatureSettings;
  spans: SpanWeights;
  diversity: DiversitySettings;
  terms: TermWeights;
  /** BM25F of documents and of segments. */
  fields: { documents: FieldWeights; segments: FieldWeights };
  lateInteraction: LateInteractionSettings;
  reasons: ReasonSettings;
  limits: SearchLimits;
}

/** The product's weights. */
export const SEARCH_WEIGHTS: SearchWeights = {
  // Chosen on halves of the questions: `npm run bench -- memory fused`.
  scorers: { lexical: 1, vector: 0.5, lateInteraction: 0.3, tokenRun: 0.5, selection: 0.1, phrase: 0.3 },
  /**
   * Fitted by coordinate ascent on hit@1/5/10 and reciprocal rank over questions about thirteen repositories in seven
   * languages. Each repository counts the same, an L1 penalty applies, and each repository is left out in turn as a
   * check. The values are rounded: the second digit does not generalize. `mentioned` and `wanted` are set by hand,
   * because such questions are too few to fit. Closeness in the import graph, neighbours in the folder and fuzzy
   * matches of single symbols were measured and add nothing.
   */
  documents: {
    document: 0.35,
    bestSegment: 0.5,
    nextSegments: 0.6,
    path: 1.1,
    symbols: 0.03,
    bestSymbols: 0.1,
    docComments: 0.1,
    fileName: 0.07,
    folderName: 0.06,
    definesIdentifier: 0.38,
    definesProper: 0.08,
    definesCompound: 0.03,
    calledIdentifier: 0.14,
    mentioned: 0.4,
    test: -0.45,
    example: -0.4,
    docs: -0.68,
    history: -0.53,
    declaration: -0.12,
    entry: -0.03,
    foreign: -0.2,
    config: -0.25,
    tooling: -0.1,
    wanted: 0.05,
  },
  features: { mostDefined: 1.5, mentionedFolder: 0.5 },
  // The share of gold lines found is flat around these values.
  spans: {
    document: 1,
    body: 0.8,
    name: 0.25,
    defines: 0.25,
    breadcrumb: 0.25,
    proximity: 0.2,
    k1: 1.2,
    b: 0.2,
    averageTokens: 120,
    nameFactor: 3,
    proximityLines: 2,
  },
  diversity: { penalty: 0.05, doubleAfter: 2, fileShare: 0.5, fileLeast: 3 },
  terms: {
    word: 1,
    talk: 0.4,
    whole: 1,
    part: 0.8,
    quoted: 1.2,
    shortForm: 0.5,
    ownName: 0.3,
    before: 0.2,
    beforeLittle: 0.8,
    enoughWords: 2,
    codeName: 2,
    codeNamePart: 1.2,
  },
  fields: {
    documents: { k1: 1.2, b: 0.8, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 1 },
    segments: { k1: 1.2, b: 0.3, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 0 },
  },
  lateInteraction: { blockTokens: 16, sharpness: 3, longRun: 5, runPower: 3 },
  reasons: { least: 0.02, scorerShare: 0.5, words: 6 },
  limits: {
    spans: 30,
    documents: 150,
    namedDocuments: 300,
    namedSegments: 3,
    documentsRead: 16,
    cutPerSpan: 2,
    segmentsRead: [
      { below: 4, segments: 10 },
      { below: 10, segments: 4 },
      { below: Infinity, segments: 2 },
    ],
    addedSegments: 30,
    definition: { lines: 100, characters: 5_500 },
    widened: { lines: 160, characters: 9_000 },
    embeddingMs: 1_500,
  },
};
