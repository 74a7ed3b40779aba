/** The search of a question: spans of the workspace, ranked with memories where there are some. */
import { splitLines, textOfLines, throwIfCancelled } from '../base';
import { planSelection } from '../memory/context/compose';
import { plannedLedger } from '../memory/context/planned-ledger';
import type { ContextLedger, Coverage, RankedSpan } from '../protocol';
import { retrieveFused } from '../search/fused-search';
import type { AskRequest, AskTools } from './ask-tools';
import type { AssistantLibrary } from './library';
import { parseQuestion, type Question } from './question';

export interface Found {
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** Plans how the memories represent the workspace for this question; absent without memories. */
  planLedger?: () => Promise<ContextLedger>;
  /** Why memories were not used although there are some. */
  trouble?: string;
}

const SPANS = 30;

export async function searchFor(request: AskRequest, tools: AskTools): Promise<Found> {
  const { library, signal } = tools;
  const { question, scope } = request;
  const found =
    (await searchWithMemories(request, tools)) ??
    (await library.search(question, { scope, limit: SPANS, before: leansOn(request), signal }));
  throwIfCancelled(signal);
  if (scope.kind !== 'selection' || found.spans.length > 0) return found;
  // A question about selected lines is answered from them even if it shares no word with them.
  return { ...found, spans: [await spanOfLines(scope, library)] };
}

/** Undefined without memories, and when cancelled. */
async function searchWithMemories(
  request: AskRequest,
  { library, memory, signal }: AskTools,
): Promise<Found | undefined> {
  if (!memory) return undefined;
  const { question, scope } = request;
  const asked = { question, before: leansOn(request), scope };
  const tools = {
    library: { search: library.search.bind(library), indexed: memory.indexed.bind(memory) },
    memories: memory.memories,
    engine: memory.engine,
    signal,
  };
  try {
    const found = await retrieveFused(asked, tools);
    const planLedger = async (): Promise<ContextLedger> => {
      const selection = await planSelection(found, { ...asked, maxNewTokens: 0, turn: true }, tools);
      return plannedLedger(selection, memory.engine, memory.memories.bytesPerRow);
    };
    return { spans: found.spans, coverage: found.coverage, planLedger };
  } catch (error) {
    if (signal?.aborted) return undefined;
    const found = await library.search(question, { scope, limit: SPANS, before: asked.before, signal });
    const reason = error instanceof Error ? error.message : String(error);
    return { ...found, trouble: `The model could not rank these results: ${reason}` };
  }
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

/** The previous question, where this one cannot be searched without it. */
function leansOn({ question, previous }: AskRequest): string | undefined {
  const last = previous?.[previous.length - 1];
  if (!last) return undefined;
  const parsed = parseQuestion(question);
  const leans =
    parsed.names.length === 0 &&
    (parsed.terms.size <= 3 || /\b(it|its|that|this|they|them|those|there|same)\b/i.test(question));
  return leans ? last.question : undefined;
}
