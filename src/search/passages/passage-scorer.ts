import { pathKind, type ProsePassage } from '../../workspace';
import { Matcher } from '../lexical/matcher';
import type { AnalysedQuestion } from '../query/analysis';
import type { PassageWeights } from '../weights';

/** Titles of the sections of a change log. */
const HISTORY =
  /^(?:[\dA-Z.]+\s+)?(?:version\s+|release\s+|v)?\d+\.\d[\w.-]*(?:\s*[/(:–—-].*)?$|\b(?:change ?log|release notes|what'?s new|upgrading|unreleased)\b/i;

/** BM25 of passages. Titles count as occurrences, less the further out they are. */
export class PassageScorer {
  private readonly matcher: Matcher;

  constructor(
    private readonly question: AnalysedQuestion,
    private readonly termWeights: readonly number[],
    private readonly total: number,
    private readonly settings: PassageWeights,
  ) {
    this.matcher = new Matcher(question.terms, question.language);
  }

  score(
    document: { path: string; text: string },
    { start, end, titles }: Pick<ProsePassage, 'start' | 'end' | 'titles'>,
  ): number {
    const { settings, question } = this;
    const frequency = new Float64Array(this.termWeights.length);
    const found = this.matcher.find(document.text, start, end, 1);
    found.bits.forEach((bit, i) => {
      frequency[bit] = (frequency[bit] as number) + (found.weights[i] as number);
    });
    const tokens = found.lengths.reduce((a, b) => a + b, 0);
    const addTitle = (title: string, weight: number): void => {
      const seen = new Set<number>();
      for (const bit of this.matcher.find(title, 0, title.length, 1).bits) {
        if (seen.has(bit)) continue;
        seen.add(bit);
        frequency[bit] = (frequency[bit] as number) + weight;
      }
    };
    const kind = pathKind(document.path);
    const isHistory = !question.intent.history && (HISTORY.test(titles.at(-1) ?? '') || kind.history);
    // A page among test data describes something else than the workspace.
    const isAside = isHistory || (kind.test && !question.intent.tests);
    titles.forEach((title, i) => addTitle(title, i === titles.length - 1 ? settings.title : settings.ancestor));
    addTitle(document.path, settings.path);
    const norm = settings.k1 * (1 - settings.b + (settings.b * tokens) / settings.averageTokens);
    let score = 0;
    frequency.forEach((f, bit) => (score += ((this.termWeights[bit] as number) * f) / (f + norm)));
    return score / this.total - (isAside ? settings.history : 0);
  }
}
