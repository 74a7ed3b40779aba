/**
 * Gathers the passages found for a question, and decides whether they answer it. An answer states only facts from them.
 */
import * as l10n from '@vscode/l10n';
import { throwIfCancelled } from '../../base';
import type { Citation, RankedSpan, Scope } from '../../protocol';
import { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';
import type { Listing, Question, RankedSite } from '../../search';
import type { TermCoverage } from '../../search';
import type { ComparedSide } from './compare-block';
import { cite, headRun, whereOf } from './cited-lines';
import { type Findings, isEnough } from './enough';
import { PassageSource } from './passage-source';
import { selectPassages, type Passage } from './passages';
import { quoteProse } from './prose-quotes';
import { withSites } from './site-passages';

export interface Evidence {
  spans: readonly RankedSpan[];
  /** The two things that the question compares. */
  sides?: readonly [ComparedSide, ComparedSide] | undefined;
  /** All things of the kind that the question asks for. */
  listing?: Listing | undefined;
  /** Best first. */
  passages: readonly Passage[];
  weights: TermCoverage;
  source: PassageSource;
  /** Whether the question asks about tests. */
  wantsTests: boolean;
  /** Identifiers in the question that no indexed file contains. */
  unknownNames: readonly string[];
  /** False if no passage matches the question well enough to answer it. */
  answers: boolean;
}

/** Maximum number of passages that an answer chooses from. */
const PASSAGES = 8;
/** Best spans whose similarity tells whether there is an answer. */
const JUDGED = 8;

export interface EvidenceOptions {
  scope: Scope;
  /** Share (0…1) of the workspace that the sentence encoder has seen. */
  encoded?: number | undefined;
  /** Lines that answer the question by themselves, best first. */
  sites?: readonly RankedSite[] | undefined;
  /** The sides of a comparison, each with its own spans. */
  sides?: readonly [ComparedSide, ComparedSide] | undefined;
  listing?: Listing | undefined;
  signal?: AbortSignal | undefined;
}

export async function gatherEvidence(
  question: Question,
  spans: readonly RankedSpan[],
  library: AssistantLibrary,
  { scope, encoded = 0, sites = [], sides, listing, signal }: EvidenceOptions,
): Promise<Evidence> {
  const source = new PassageSource(library);
  const { passages: found, weights } = await selectPassages(question, spans, source, PASSAGES, signal);
  const passages = await withSites(found, sites, question, weights, source);
  throwIfCancelled(signal);
  // A file or selection that the user chose is the subject of the question, even if it shares no word with it.
  const chosen = scope.kind === 'file' || scope.kind === 'selection';
  const names = question.names.filter(isCodeName);
  const unknownNames = await namesNowhere(names, library);
  const namesHold = names.length === 0 || unknownNames.length < names.length;
  const answers =
    passages.length > 0 &&
    (chosen || listing !== undefined || (namesHold && isEnough(findingsOf(question, passages, spans, encoded))));
  return {
    spans,
    sides,
    listing,
    passages,
    weights,
    source,
    unknownNames,
    answers,
    wantsTests: /\btest(s|ed)?\b/i.test(question.text),
  };
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

function findingsOf(
  { names, terms, text }: Question,
  passages: readonly Passage[],
  spans: readonly RankedSpan[],
  encoded: number,
): Findings {
  const similarities = spans.flatMap(({ similarity }) => similarity ?? []);
  return {
    text,
    terms: terms.size,
    passages: passages.map(({ coverage, words, symbol }) => ({
      coverage,
      words,
      defines: symbol !== undefined && names.includes(symbol.name),
    })),
    similarity: similarities.length > 0 ? Math.max(...similarities) : undefined,
    // The encoder has seen all that may be shown.
    encoded: spans.slice(0, JUDGED).every(({ similarity }) => similarity !== undefined) ? 1 : encoded,
  };
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
    markdown: l10n.t('No good match. Closest: {0}.', `${whereOf(closest, cited)} [${cited.number}]`),
    citations: citations.all,
  };
}

function nothingFound(scope: Scope): string {
  if (scope.kind === 'workspace')
    return l10n.t(
      'Nothing in the indexed files matches the words of this question. Name a class, function, file or error message.',
    );
  return l10n.t(
    'Nothing in the chosen scope matches the words of this question. Ask about the whole workspace to search the rest.',
  );
}
