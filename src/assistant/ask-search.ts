/** Searches the workspace for a question. Encoded memories take part in the ranking if there are any. */
import * as l10n from '@vscode/l10n';
import { splitLines, textOfLines, throwIfCancelled } from '../base';
import { plannedLedger } from '../memory';
import type { ContextLedger, Coverage, RankedSpan } from '../protocol';
import { comparedIn, type Listing, parseQuestion, type Question, type RankedSite } from '../search';
import type { AskRequest, AskTools } from './ask-tools';
import { selectContext } from './context';
import type { AssistantLibrary } from './library';
import type { ComparedSide } from './quote/compare-block';

export interface Found {
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** Plans how the memories represent the workspace for this question; absent without memories. */
  planLedger?: () => Promise<ContextLedger>;
  /** Why existing memories were not used. */
  trouble?: string;
}

export async function searchFor(request: AskRequest, { library, search, memory, signal }: AskTools): Promise<Found> {
  const { question, scope } = request;
  const before = leansOn(request);
  const ranking = await search.rank(question, { scope, before, signal });
  throwIfCancelled(signal);
  const { trouble } = ranking;
  const found: Found = {
    spans: ranking.spans,
    coverage: ranking.coverage,
    ...(trouble === undefined ? {} : { trouble: l10n.t('The model could not rank these results: {0}', trouble) }),
  };
  if (memory && ranking.memory)
    found.planLedger = async () => {
      const asked = { question, before, scope, maxNewTokens: 0, turn: true };
      const selection = await selectContext(asked, ranking, { search, memory, signal });
      return plannedLedger(selection, memory.engine, memory.memories.bytesPerRow);
    };
  if (scope.kind !== 'selection' || found.spans.length > 0) return found;
  // A question about selected lines is answered from them even if it shares no word with them.
  return { ...found, spans: [await spanOfLines(scope, library)] };
}

/** The lines that answer a question by themselves: the error, the value, the reason that it asks for. */
export async function sitesFor(
  request: AskRequest,
  { form, text }: Question,
  { spans }: Found,
  { search, signal }: AskTools,
): Promise<readonly RankedSite[]> {
  if (!search.sites || (form !== 'outcome' && form !== 'value' && form !== 'why')) return [];
  return search.sites(text, form, spans, { scope: request.scope, before: leansOn(request), signal });
}

/** All things of a kind that a question asks for; undefined for other questions, and where none are found. */
export async function listingFor(
  request: AskRequest,
  { form, text }: Question,
  { spans }: Found,
  { search, signal }: AskTools,
): Promise<Listing | undefined> {
  if (!search.listing || form !== 'list') return undefined;
  return search.listing(text, spans, { scope: request.scope, before: leansOn(request), signal });
}

/** Searches for each side of a comparison alone. Undefined for other questions. */
export async function sidesFor(
  request: AskRequest,
  { form, text }: Question,
  { search, signal }: AskTools,
): Promise<readonly [ComparedSide, ComparedSide] | undefined> {
  const sides = form === 'compare' ? comparedIn(text) : undefined;
  if (!sides) return undefined;
  const { scope } = request;
  const found = async (name: string): Promise<ComparedSide> => ({
    name,
    spans: (await search.rank(name, { scope, signal })).spans,
  });
  return [await found(sides[0]), await found(sides[1])];
}

async function spanOfLines(
  { file, startLine, endLine }: { file: string; startLine: number; endLine: number },
  library: AssistantLibrary,
): Promise<RankedSpan> {
  const { path, text, language } = await library.read(file);
  return {
    file,
    path,
    startLine,
    endLine,
    score: 1,
    breadcrumb: [],
    reasons: [],
    text: textOfLines(splitLines(text), startLine, endLine),
    language,
  };
}

/** The parsed question. A follow-up ("and where is it called?") also looks for the words of the question before it. */
export function questionOf(request: AskRequest, { ownNames }: AssistantLibrary): Question {
  const parsed = parseQuestion(request.question, ownNames);
  const before = leansOn(request);
  if (before === undefined) return parsed;
  return { ...parsed, terms: new Map([...parseQuestion(before, ownNames).terms, ...parsed.terms]) };
}

/** The previous question, if this one cannot be searched without it. */
function leansOn({ question, previous }: AskRequest): string | undefined {
  const last = previous?.[previous.length - 1];
  if (!last) return undefined;
  const parsed = parseQuestion(question);
  const leans =
    parsed.names.length === 0 &&
    (parsed.terms.size <= 3 || /\b(it|its|that|this|they|them|those|there|same)\b/i.test(question));
  return leans ? last.question : undefined;
}
