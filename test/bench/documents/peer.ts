import type { StoredSentences } from './sentences';

/** The peer in its whole: passages of 700 characters, their BM25 as a share of the best plus their cosine. */

const PASSAGE_CHARACTERS = 700;
/** Passages of a large collection that are encoded for a question: those with the best BM25. */
const MOST_ENCODED = 150;
const SMALL_COLLECTION = 1_500;
const K1 = 1.2;
const B = 0.75;

export class Peer {
  private readonly passages: string[] = [];
  private readonly counts: Map<string, number>[] = [];
  private readonly frequency = new Map<string, number>();
  private readonly average: number;

  constructor(
    texts: readonly string[],
    private readonly sentences: StoredSentences,
  ) {
    for (const text of texts)
      for (let from = 0; from < text.length; from += PASSAGE_CHARACTERS)
        this.passages.push(text.slice(from, from + PASSAGE_CHARACTERS));
    let length = 0;
    for (const passage of this.passages) {
      const words = new Map<string, number>();
      for (const word of wordsOf(passage)) words.set(word, (words.get(word) ?? 0) + 1);
      for (const word of words.keys()) this.frequency.set(word, (this.frequency.get(word) ?? 0) + 1);
      this.counts.push(words);
      length += [...words.values()].reduce((a, b) => a + b, 0);
    }
    this.average = length / Math.max(1, this.passages.length);
  }

  get size(): number {
    return this.passages.length;
  }

  /** The best passages, best first. */
  async search(question: string, most: number): Promise<string[]> {
    const words = new Set(wordsOf(question));
    const scored = this.counts.map((counts, i) => ({ i, score: this.bm25(counts, words) }));
    const found =
      scored.length <= SMALL_COLLECTION ? scored : scored.sort((a, b) => b.score - a.score).slice(0, MOST_ENCODED);
    const best = Math.max(...found.map(({ score }) => score)) || 1;
    const near = await this.sentences.similarities(
      question,
      found.map(({ i }) => this.passages[i] as string),
    );
    return found
      .map(({ i, score }, n) => ({ i, score: score / best + (near[n] as number) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, most)
      .map(({ i }) => this.passages[i] as string);
  }

  private bm25(counts: ReadonlyMap<string, number>, words: ReadonlySet<string>): number {
    const length = [...counts.values()].reduce((a, b) => a + b, 0);
    let score = 0;
    for (const word of words) {
      const count = counts.get(word);
      const having = this.frequency.get(word) ?? 0;
      if (!count) continue;
      const idf = Math.log(1 + (this.passages.length - having + 0.5) / (having + 0.5));
      score += (idf * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / this.average));
    }
    return score;
  }
}

/** Words in lower case; of scripts without spaces, pairs of characters. */
function wordsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)].flatMap(([word]) =>
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(word) && word.length > 1
      ? Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2))
      : [word],
  );
}
