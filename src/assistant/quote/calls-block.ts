/** The list of calls in an extractive answer: the functions that the best place calls. */
import * as l10n from '@vscode/l10n';
import { callsOf, type Call } from '../calls';
import type { CitationList } from '../citations';
import { code, firstSentence, labelOf } from '../facts';
import type { AssistantLibrary } from '../library';
import type { Question } from '../../search';
import type { TermCoverage } from '../../search';
import { sourceOf } from './cited-lines';
import type { PassageSource } from './passage-source';
import type { Passage } from './passages';

/** Maximum number of listed calls, and of calls they are chosen from. */
const CALLS = 5;
const CALLS_LOOKED_AT = 16;

/**
 * Lists the calls of the best place that have a certain definition in the workspace ("`run` calls: `a` [2], `b` [3]").
 * If the question does not name the place, only calls that match a word of the question are listed.
 */
export async function callsBlock(
  passage: Passage,
  question: Question,
  weights: TermCoverage,
  library: AssistantLibrary,
  source: PassageSource,
  citations: CitationList,
): Promise<string | undefined> {
  if (!passage.symbol || passage.kind !== 'code' || !['function', 'method'].includes(passage.symbol.kind))
    return undefined;
  const all = await callsOf(passage, library, CALLS_LOOKED_AT);
  const relevance = ({ definition: { symbol } }: Call) => weights.matched(`${symbol.name} ${symbol.doc ?? ''}`);
  const named = question.names.includes(passage.symbol.name);
  const telling = all.filter((call) => named || relevance(call) > 0);
  const told = new Set([...telling].sort((a, b) => relevance(b) - relevance(a)).slice(0, CALLS));
  const calls = telling.filter((call) => told.has(call));
  const parts: string[] = [];
  for (const call of calls) {
    const file = await source.open(call.definition.file);
    if (!file) continue;
    const citation = citations.cite(sourceOf(call.definition, file.lines));
    parts.push(`- ${callLine(call)} [${citation.number}]`);
  }
  return parts.length === 0
    ? undefined
    : `${l10n.t('{0} calls:', code(labelOf(passage.symbol)))}\n\n${parts.join('\n')}`;
}

/** "`a` in `a.py` (called by the function `run` inside): “…”" */
export function callLine({ definition: { symbol, path }, within }: Call): string {
  const doc = symbol.doc ? firstSentence(symbol.doc, 100) : undefined;
  const place = l10n.t('{0} in {1}', code(labelOf(symbol)), code(path));
  const called = within === undefined ? place : l10n.t('{0} (by a function defined inside)', place);
  return doc ? `${called}: ${l10n.t('“{0}”', doc)}` : called;
}
