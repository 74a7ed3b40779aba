import { scanTokens, tokenTerms, type WrittenLanguage } from '../../workspace';
import type { Question } from './question';

/**
 * Measures how much of a question a few lines cover. Each term weighs its weight in the question times its rarity
 * among the retrieved texts, ln(1 + N/df). A word that occurs in nearly all of them does not distinguish places.
 */
export class TermCoverage {
  private readonly weights = new Map<string, number>();
  /** Sum of the weights of all terms. */
  readonly total: number;

  private readonly language: WrittenLanguage;

  /** @param texts the retrieved texts */
  constructor(question: Question, texts: readonly string[]) {
    this.language = question.language;
    const found = texts.map((text) => termsIn(text, question.language));
    for (const [term, weight] of question.terms) {
      const having = found.filter((each) => each.has(term)).length;
      this.weights.set(term, weight * Math.log(1 + (texts.length + 1) / (having + 0.5)));
    }
    this.total = [...this.weights.values()].reduce((sum, weight) => sum + weight, 0);
  }

  /** Sums the weights of the terms that occur in `text`, each once. */
  matched(text: string): number {
    return this.termsIn(text).reduce((sum, [, weight]) => sum + weight, 0);
  }

  /** Returns the question's terms that occur in `text`, with their weights. */
  termsIn(text: string): [term: string, weight: number][] {
    const found = termsIn(text, this.language);
    return [...this.weights].filter(([term]) => found.has(term));
  }

  /** Returns the share (0…1) of the question's weight that occurs in `text`. */
  covered(text: string): number {
    return this.total === 0 ? 0 : this.matched(text) / this.total;
  }
}

/** Returns all terms of a text, and each of its words in lower case. */
export function termsIn(text: string, language: WrittenLanguage = 'en'): Set<string> {
  const terms = new Set<string>();
  scanTokens(text, 0, text.length, (start, end) => {
    const token = text.slice(start, end);
    terms.add(token.toLowerCase());
    for (const term of tokenTerms(token, language)) terms.add(term);
  });
  return terms;
}
