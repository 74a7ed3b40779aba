/**
 * Gathers the passages found for a question, and decides whether they answer it. An answer states only facts from them.
 */
import { throwIfCancelled } from '../../base';
import type { Citation, RankedSpan, Scope } from '../../protocol';
import { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';
import type { Question } from '../../search';
import type { TermCoverage } from '../../search';
import { cite, headRun, whereOf } from './cited-lines';
import { PassageSource } from './passage-source';
import { selectPassages, type Passage } from './passages';
import { quoteProse } from './prose-quotes';

export interface Evidence {
  spans: readonly RankedSpan[];
  /** Best first. */
  passages: readonly Passage[];
  weights: TermCoverage;
  source: PassageSource;
  /** Identifiers in the question that no indexed file contains. */
  unknownNames: readonly string[];
  /** False if no passage matches the question well enough to answer it. */
  answers: boolean;
}

/** Maximum number of passages that an answer chooses from. */
const PASSAGES = 8;
/**
 * A passage answers if it contains this share of the question's weight, this many of its words, or this share of them.
 * Tuned on 189 questions about four repositories, 567 about other repositories, and 160 about none.
 */
const ENOUGH = { coverage: 0.5, words: 3, share: 2 / 3 };

export async function gatherEvidence(
  question: Question,
  spans: readonly RankedSpan[],
  library: AssistantLibrary,
  { scope, signal }: { scope: Scope; signal?: AbortSignal },
): Promise<Evidence> {
  const source = new PassageSource(library);
  const { passages, weights } = await selectPassages(question, spans, source, PASSAGES, signal);
  throwIfCancelled(signal);
  // A file or selection that the user chose is the subject of the question, even if it shares no word with it.
  const chosen = scope.kind === 'file' || scope.kind === 'selection';
  const names = question.names.filter(isCodeName);
  const unknownNames = await namesNowhere(names, library);
  const namesHold = names.length === 0 || unknownNames.length < names.length;
  const answers =
    passages.length > 0 && (chosen || (namesHold && passages.some((passage) => isEnough(passage, question))));
  return { spans, passages, weights, source, unknownNames, answers };
}

/** True for snake_case and camelCase names. */
function isCodeName(name: string): boolean {
  return /_|\p{Ll}\p{Lu}/u.test(name);
}

/** Names that no indexed file defines or uses. */
async function namesNowhere(names: readonly string[], library: AssistantLibrary): Promise<string[]> {
  const unknown: string[] = [];
  for (const name of names) {
    if ((await library.definitions(name)).length > 0) continue;
    if ((await library.users(name, { limit: 1 })).users.length === 0) unknown.push(name);
  }
  return unknown;
}

function isEnough({ symbol, coverage, words }: Passage, { names, terms }: Question): boolean {
  if (symbol !== undefined && names.includes(symbol.name)) return true;
  return coverage >= ENOUGH.coverage || words >= ENOUGH.words || words >= ENOUGH.share * terms.size;
}

/** The answer if no passage answers the question: one line that names the closest place. */
export function noMatch(
  { passages: [closest], weights }: Evidence,
  scope: Scope,
): { markdown: string; citations: readonly Citation[] } {
  if (!closest) return { markdown: nothingFound(scope), citations: [] };
  const citations = new CitationList();
  const run = closest.kind === 'prose' ? quoteProse(closest, weights, 'other').run : headRun(closest);
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
