/** Composes the prompt of an answer within a budget in the model's tokens. */
import type { ChatMessage, Citation, RankedSpan, Writer } from '../../protocol';
import { AppError, counted } from '../../base';
import { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';
import { excerptOf } from '../quote/excerpt';
import { chatOf, costsOf, readCitations, type Quoted, type Turn } from './quotes';

/** A prompt that fits the context, and its contents. */
export interface Composed {
  chat: ChatMessage[];
  promptTokens: number;
  maxNewTokens: number;
  used: readonly Citation[];
  /** Spans of which only some lines are quoted. */
  inPart: readonly RankedSpan[];
  /** Spans that are represented by anchor rows instead of quotes. */
  anchored: readonly Quoted[];
  /** Spans that did not fit, best first. */
  dropped: readonly RankedSpan[];
  turnsDropped: number;
}

/** Room kept for the answer: a quarter of the context, at most this many tokens. */
const ANSWER_TOKENS = 768;
/**
 * Minimum tokens of a cut span, and the safety margin when cutting: token counts per line are estimated.
 */
const LEAST_PART = 64;
const PART_FILLED = 0.9;
/**
 * Share of the room kept for anchors if not every span fits, and maximum tokens encoded for them. The first word of the
 * answer waits for this encoding.
 */
const ANCHOR_SHARE = 1 / 16;
const MOST_ANCHORED = 1_024;

/**
 * Composes a prompt of the best spans that fit, in order of rank. The first span that does not fit is cut to the lines
 * around the match. If too few lines would remain, a later, shorter span is used. Old turns are dropped before the best
 * span.
 * @throws AppError('contextFull') if the question alone does not fit
 */
export async function composeChat(
  question: string,
  spans: readonly RankedSpan[],
  previous: readonly Turn[],
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  signal?: AbortSignal,
): Promise<Composed> {
  const maxNewTokens = Math.max(16, Math.min(ANSWER_TOKENS, Math.floor(writer.contextTokens / 4)));
  const room = writer.contextTokens - maxNewTokens;
  const count = async (chat: ChatMessage[]): Promise<number> =>
    (await writer.countChats([chat], signal))[0] ?? Infinity;

  const bare = chatOf(question, [], []);
  const bareTokens = await count(bare);
  if (bareTokens > room) {
    throw new AppError(
      'contextFull',
      `The question takes ${counted(bareTokens, 'token')}; the model has room for ${room}.`,
      'Ask a shorter question, or choose a model with a longer context.',
    );
  }

  let turns = [...previous];
  while (turns.length > 0 && (await count(chatOf(question, [], turns))) > room / 2) turns = turns.slice(1);

  const candidates = await readCitations(spans, library, signal);
  const before = turns.length > 0 ? await count(chatOf(question, [], turns)) : bareTokens;
  const costs = await costsOf(
    candidates.map(({ citation }) => citation),
    writer,
    signal,
  );
  const whole = fitted(candidates, costs, before, room, question);
  // If some spans do not fit, some room is kept for rows that represent them.
  const reserve = writer.anchorTokens === undefined || whole.dropped.length === 0 ? 0 : Math.floor(room * ANCHOR_SHARE);
  const fit = reserve === 0 ? whole : fitted(candidates, costs, before, room - reserve, question);
  let { used } = fit;
  const dropped = [...fit.dropped];
  const quotes = (): Citation[] => used.map(({ citation }, index) => ({ ...citation, number: index + 1 }));
  // Tokens are not additive, so the sum is an estimate. The final prompt is counted exactly.
  let promptTokens = used.length > 0 ? await count(chatOf(question, quotes(), turns)) : before;
  while (promptTokens > room - reserve && used.length > 0) {
    dropped.unshift(used.at(-1) as Quoted);
    used = used.slice(0, -1);
    promptTokens = await count(chatOf(question, quotes(), turns));
  }
  const anchored =
    used.length === 0
      ? []
      : takeAnchored(
          dropped,
          (each) => costs[candidates.findIndex(({ span }) => span === each.span)] ?? Infinity,
          reserve,
          writer.anchorTokens ?? Infinity,
        );
  const numbered = quotes();
  return {
    chat: chatOf(question, numbered, turns),
    promptTokens,
    maxNewTokens,
    used: numbered,
    inPart: fit.inPart.filter((span) => !dropped.some((each) => each.span === span)),
    anchored,
    dropped: dropped.filter((each) => !anchored.includes(each)).map(({ span }) => span),
    turnsDropped: previous.length - turns.length,
  };
}

interface Fitted {
  used: Quoted[];
  inPart: RankedSpan[];
  dropped: Quoted[];
}

/** Chooses the candidates that fit, by their estimated tokens. */
function fitted(
  candidates: readonly Quoted[],
  costs: readonly number[],
  before: number,
  room: number,
  question: string,
): Fitted {
  const fit: Fitted = { used: [], inPart: [], dropped: [] };
  let estimate = before;
  candidates.forEach((candidate, index) => {
    const cost = costs[index] ?? Infinity;
    const part =
      estimate + cost > room && fit.inPart.length === 0
        ? partOf(candidate, question, room - estimate, cost)
        : undefined;
    if (part) fit.inPart.push(candidate.span);
    if (part || estimate + cost <= room) {
      estimate = part ? room : estimate + cost;
      fit.used.push(part ?? candidate);
    } else fit.dropped.push(candidate);
  });
  return fit;
}

/** Chooses the best spans that fit as anchors, among those that do not fit as quotes. */
function takeAnchored(
  dropped: readonly Quoted[],
  costOf: (quoted: Quoted) => number,
  rows: number,
  anchorTokens: number,
): Quoted[] {
  let tokens = Math.min(rows * anchorTokens, MOST_ANCHORED);
  return dropped.filter((quoted) => {
    const cost = costOf(quoted);
    if (cost > tokens) return false;
    tokens -= cost;
    return true;
  });
}

/** The lines of a span around its match, in at most `tokens`. Undefined if too few fit. */
function partOf({ citation, span }: Quoted, question: string, tokens: number, cost: number): Quoted | undefined {
  if (tokens < LEAST_PART) return undefined;
  const found = excerptOf(citation.text, question, Math.floor((PART_FILLED * tokens * citation.text.length) / cost));
  if (!found) return undefined;
  const startLine = citation.startLine + found.firstLine;
  const endLine = citation.startLine + found.lastLine;
  const text = citation.text.slice(found.start, found.end).replace(/\n$/, '');
  return { citation: new CitationList().cite({ ...citation, startLine, endLine, text }), span };
}
