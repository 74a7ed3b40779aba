/**
 * The passages found for a question, and whether they answer it at all. An answer says nothing that no passage carries.
 */
import { throwIfCancelled } from '../../base';
import type { Citation, RankedSpan, Scope } from '../../protocol';
import { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';
import type { Question } from '../question';
import type { TermWeights } from '../relevance';
import { cite, headRun, whereOf } from './cited-lines';
import { PassageSource } from './passage-source';
import { selectPassages, type Passage } from './passages';
import { bestSentences } from './prose-quotes';

export interface Evidence {
  spans: readonly RankedSpan[];
  /** Best first. */
  passages: readonly Passage[];
  weights: TermWeights;
  source: PassageSource;
  /** False where no passage matches the question well enough to answer from. */
  answers: boolean;
}

/** Passages that an answer chooses from. */
const PASSAGES = 8;
/**
 * A passage answers when it holds this share of the question's weight or this many of its words. A passage seldom holds
 * all words of a long question.
 */
const ENOUGH_COVERAGE = 0.34;
const ENOUGH_WORDS = 3;

export async function gatherEvidence(
  question: Question,
  spans: readonly RankedSpan[],
  library: AssistantLibrary,
  { scope, signal }: { scope: Scope; signal?: AbortSignal },
): Promise<Evidence> {
  const source = new PassageSource(library);
  const { passages, weights } = await selectPassages(question, spans, source, PASSAGES, signal);
  throwIfCancelled(signal);
  // Lines that the user chose are what the question is about, whatever words they hold.
  const chosen = scope.kind === 'file' || scope.kind === 'selection';
  const answers = passages.length > 0 && (chosen || passages.some(isEnough));
  return { spans, passages, weights, source, answers };
}

function isEnough({ coverage, words }: Passage): boolean {
  return coverage >= ENOUGH_COVERAGE || words >= ENOUGH_WORDS;
}

/** The whole answer to a question that no passage answers: one line, which names the closest place. */
export function noMatch(
  { passages: [closest], weights }: Evidence,
  scope: Scope,
): { markdown: string; citations: readonly Citation[] } {
  if (!closest) return { markdown: nothingFound(scope), citations: [] };
  const citations = new CitationList();
  const run = closest.kind === 'prose' ? bestSentences(closest, weights).run : headRun(closest);
  const cited = cite(closest, run, citations);
  return {
    markdown: `No good match. Closest: ${whereOf(closest, cited)} [${cited.number}].`,
    citations: citations.all,
  };
}

function nothingFound(scope: Scope): string {
  if (scope.kind === 'workspace')
    return (
      'Nothing in the indexed files matches the words of this question. Name a class, function, file or error ' +
      'message.'
    );
  return (
    'Nothing in the chosen scope matches the words of this question. Ask about the whole workspace to search ' +
    'the rest.'
  );
}
