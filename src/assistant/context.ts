/** Composes a context over the whole workspace for one question: search, plan, read. */
import { type ContextSelection, readContext, selectContext as selectRows, type WorkspaceMemory } from '../memory';
import type { ComposedContext } from '../protocol/memory';
import type { Scope } from '../protocol';
import { type Ranking, type Search, type SearchResult, withBareNames } from '../search';
import { excerptOf } from './quote/excerpt';

export interface ContextQuestion {
  question: string;
  /** The previous question, if this one depends on it. */
  before?: string | undefined;
  scope: Scope;
  maxNewTokens: number;
  /** True: the question is a user's turn in a chat. False (default): the model continues the text. */
  turn?: boolean;
  capacityRows?: number;
  /** Maximum tokens read in full. */
  mostRead?: number;
}

export interface ContextTools {
  search: Pick<Search, 'rank'>;
  memory: Pick<WorkspaceMemory, 'memories' | 'engine' | 'indexed'>;
  signal?: AbortSignal | undefined;
}

/** @throws Error if the ranking could not use the memories, or the model fails */
export async function composeContext(
  asked: ContextQuestion,
  tools: ContextTools,
): Promise<ComposedContext & SearchResult> {
  const started = performance.now();
  const ranking = await tools.search.rank(asked.question, { ...asked, signal: tools.signal });
  const selection = await selectContext(asked, ranking, tools);
  const composed = await readContext(selection, tools.memory.engine, {
    retrieve: performance.now() - started,
    signal: tools.signal,
  });
  return { ...composed, spans: ranking.spans, coverage: ranking.coverage };
}

/** Selects the content of a context from a ranking. @throws Error if the ranking has no memories */
export async function selectContext(
  { question, before, turn = false, maxNewTokens, capacityRows, mostRead }: ContextQuestion,
  ranking: Ranking,
  { memory, signal }: ContextTools,
): Promise<ContextSelection> {
  if (!ranking.memory) throw new Error(ranking.trouble ?? 'no segment is encoded');
  const { segments, scores, lateInteraction } = ranking.memory;
  // A ranking does not wait for a busy model, so it may lack the embedding. A context needs it.
  const embedding =
    ranking.memory.embedding ??
    (await memory.engine.embedQuery(before === undefined ? question : `${question} ${before}`, signal));
  return selectRows(
    {
      question: turn ? withBareNames(question) : question,
      questionTokens: embedding.tokens,
      segments,
      scores,
      ...(lateInteraction ? { lateInteraction } : {}),
      excerpt: (text, characters) => excerptOf(text, question, characters),
      maxNewTokens,
      turn,
      ...(capacityRows === undefined ? {} : { capacityRows }),
      ...(mostRead === undefined ? {} : { mostRead }),
    },
    memory,
  );
}
