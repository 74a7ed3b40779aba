/** Decides whether passages found for a question answer it. */
import { languageOfQuestion } from '../../workspace';

/** Measures of the passages that the search found for a question. */
export interface Findings {
  /** The question's text, and the number of its terms. */
  text: string;
  terms: number;
  passages: readonly {
    /** Share (0…1) of the question's weight that the passage contains, and the number of its words. */
    coverage: number;
    words: number;
    /** True when the passage defines a name of the question. */
    defines: boolean;
  }[];
  /** Greatest cosine of a found passage with the question. Undefined without a sentence encoder. */
  similarity: number | undefined;
  /** Share (0…1) of the workspace that the sentence encoder has seen. */
  encoded: number;
}

/** A passage answers by its words if it has this share of the question's weight, this many words, or this share. */
const WORDS = { coverage: 0.5, words: 3, share: 2 / 3 };
/**
 * With a sentence encoder, the greatest similarity and this part of the greatest coverage together must reach `least`.
 * Chosen on flask and requests, tested on further repositories: `npm run bench -- ranking gate`.
 */
const SIMILAR = { coverage: 0.2, least: 0.41 };
/** A workspace is seen when all but this share of its segments is encoded. */
const MISSING = 0.02;

export function isEnough({ text, terms, passages, similarity, encoded }: Findings): boolean {
  if (passages.some(({ defines }) => defines)) return true;
  const byWords = isEnoughByWords({ terms, passages });
  if (similarity === undefined) return byWords;
  const coverage = Math.max(0, ...passages.map((passage) => passage.coverage));
  const bySimilarity = similarity + SIMILAR.coverage * coverage >= SIMILAR.least;
  // Words decide too where the encoder has not seen everything, or may not know the language.
  const isSeen = encoded >= 1 - MISSING && /^\p{ASCII}*$/u.test(text) && languageOfQuestion(text) === 'en';
  return isSeen ? bySimilarity : byWords || bySimilarity;
}

/** The decision without a sentence encoder. */
export function isEnoughByWords({ terms, passages }: Pick<Findings, 'terms' | 'passages'>): boolean {
  return passages.some(
    ({ coverage, words, defines }) =>
      defines || coverage >= WORDS.coverage || words >= WORDS.words || words >= WORDS.share * terms,
  );
}
