/** How well a few lines answer the words of a question: rarity-weighted matches, counted line by line. */
import { stemsIn, type Question } from './question';

/**
 * Weights of the question's terms over the lines that were retrieved. A word that stands in nearly all of them tells
 * places apart no better than none, so its weight falls as ln(1 + N/df), the usual inverse document frequency.
 */
export class TermWeights {
  private readonly weights = new Map<string, number>();
  readonly total: number;

  constructor(question: Question, texts: readonly string[]) {
    const stems = texts.map(stemsIn);
    for (const [term, weight] of question.terms) {
      const found = stems.filter((each) => each.has(term)).length;
      this.weights.set(term, weight * Math.log(1 + (texts.length + 1) / (found + 0.5)));
    }
    this.total = [...this.weights.values()].reduce((sum, weight) => sum + weight, 0);
  }

  /** Sum of the weights of the terms that occur in `text`, each once. */
  matched(text: string): number {
    return this.termsIn(text).reduce((sum, [, weight]) => sum + weight, 0);
  }

  /** The question's terms that occur, with their weights. */
  termsIn(text: string): [term: string, weight: number][] {
    const stems = stemsIn(text);
    return [...this.weights].filter(([term]) => stems.has(term));
  }

  /** Share (0…1) of the question's weight that occurs in `text`. */
  covered(text: string): number {
    return this.total === 0 ? 0 : this.matched(text) / this.total;
  }
}
