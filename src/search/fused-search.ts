/**
 * Retrieval by several judges: the lexical ranker, and of what the model made of each segment its vector, its tokens
 * one by one (late interaction) and, where the model learnt to choose by it, its mean key, which the question's mean
 * query is held against (docs/memory.md).
 */
import type { MemorySegment } from '../memory/memories';
import type { Coverage, RankedSpan, RankReason, Scope } from '../protocol';
import type { ComposeTools } from '../memory/context/compose';

/** The question as segments are held against it. */
export type QueryEmbedding = Awaited<ReturnType<ComposeTools['engine']['look']>>;

export interface Retrieved {
  /** In the fused order. */
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** Every segment with memories, and the fused score of those that any judge names. */
  segments: readonly MemorySegment[];
  scores: ReadonlyMap<string, number>;
  look: QueryEmbedding;
}

/** One way of judging segments. */
export interface Judge {
  kind: RankReason['kind'];
  /** Said of what it judged well. */
  text: string;
  /** Of segments, by key; those without one are worth least. */
  values: ReadonlyMap<string, number>;
  /** What the best is worth, in the lexical ranker's points; the least is worth nothing. */
  weight: number;
  /**
   * Values that are worth nothing and all: a scale that holds for any question. Without it the candidates' own least
   * and most.
   */
  scale?: { least: number; most: number };
}

export const SPANS = 30;
/** Segments that a judge names besides those that were found by words. */
const NAMED = 30;
export type Points = Record<'vector' | 'window' | 'run' | 'attention', number>;
/**
 * Points beside the lexical ranker's, whose best have one or two: chosen on halves of the questions
 * (`npm run bench -- memory fused`).
 */
export const POINTS: Points = { vector: 0.5, window: 0.3, run: 0.5, attention: 0.1 };
/**
 * A run of so many tokens of mean weight, in the question's order, is no chance: of the questions that are sentences
 * one in a hundred meets one.
 */
const LONG_RUN = 5;
/** A run counts by this power of its part of a long one: short ones are met everywhere. */
const RUN_POWER = 3;
/** A judge that gives less of what it has to give is no reason. */
const REASON = 0.5;

export async function retrieveFused(
  request: { question: string; before?: string | undefined; scope: Scope },
  tools: ComposeTools,
): Promise<Retrieved> {
  const { library, memories, engine, signal } = tools;
  const { question, before, scope } = request;
  const [{ spans, coverage }, look] = await Promise.all([
    library.search(question, { scope, limit: SPANS, before, signal }),
    engine.look(before === undefined ? question : `${question} ${before}`, signal),
  ]);
  const segments = memories.segments();
  const inScope = segments.filter((segment) => isInScope(segment, scope));
  const candidates = judge(spans, inScope, await judgesOf(inScope, look, memories));
  const scores = new Map<string, number>();
  for (const { points, own } of candidates)
    for (const [key, gain] of own) scores.set(key, Math.max(scores.get(key) ?? 0, points + gain));
  return { spans: await fusedSpans(candidates, spans.length, library), coverage, segments, scores, look };
}

/** What a run of such a weight (`LateScore.run`) is worth, 0…1. */
export const runShare = (run: number): number => Math.min(1, run / LONG_RUN) ** RUN_POWER;

/** What the model has to say of each segment. */
export async function judgesOf(
  segments: readonly MemorySegment[],
  look: QueryEmbedding,
  memories: ComposeTools['memories'],
  points = POINTS,
): Promise<Judge[]> {
  const judges: Judge[] = [];
  if (points.vector > 0) {
    const nearest = await memories.nearest(segments, look.vector);
    judges.push({
      kind: 'vector',
      text: 'near in meaning',
      weight: points.vector,
      values: new Map(nearest.map(({ segment, similarity }) => [segment.key, similarity])),
    });
  }
  if (look.late && points.window + points.run > 0) {
    const found = await memories.late(segments, look.late);
    judges.push({
      kind: 'late',
      text: 'holds much of the question close together',
      weight: points.window,
      values: new Map(found.map(({ segment, score }) => [segment.key, score.window])),
    });
    judges.push({
      kind: 'late',
      text: 'holds words of the question in its order',
      weight: points.run,
      values: new Map(found.map(({ segment, score }) => [segment.key, runShare(score.run)])),
      scale: { least: 0, most: 1 },
    });
  }
  if (look.selection && points.attention > 0) {
    const attended = await memories.attended(segments, look.selection);
    judges.push({
      kind: 'attention',
      text: 'the model attends to it',
      weight: points.attention,
      values: new Map(attended.map(({ segment, similarity }) => [segment.key, similarity])),
    });
  }
  return judges;
}

/** A place that may be shown: a span that was found by words, or a segment that a judge names. */
export interface Candidate {
  span: RankedSpan | undefined;
  segments: readonly MemorySegment[];
  /** The lexical ranker's; those of the last span for a segment that no span holds. */
  points: number;
  /** What the judges add for the best of its segments, and for each of them. */
  gain: number;
  own: ReadonlyMap<string, number>;
  reasons: readonly RankReason[];
}

/**
 * Spans found by words and segments named by judges, the best first. Points of different judges are added (a convex
 * combination of scores, Bruch, Gai and Ingber, TOIS 2023, which betters fusion by ranks: a score says how sure its
 * judge is, a rank does not). A span is as good for a judge as the best segment it holds.
 */
export function judge(
  spans: readonly RankedSpan[],
  segments: readonly MemorySegment[],
  judges: readonly Judge[],
): Candidate[] {
  const byPath = new Map<string, MemorySegment[]>();
  for (const segment of segments) {
    const own = byPath.get(segment.path);
    if (own) own.push(segment);
    else byPath.set(segment.path, [segment]);
  }
  const places = spans.map((span) => ({
    span: span as RankedSpan | undefined,
    points: span.score,
    segments: (byPath.get(span.path) ?? []).filter(
      ({ startLine, endLine }) => span.startLine <= endLine && span.endLine >= startLine,
    ),
  }));
  const named = new Set(places.flatMap((place) => place.segments));
  const last = spans.length === 0 ? 0 : Math.min(...spans.map(({ score }) => score));
  for (const { values } of judges) {
    const best = segments
      .filter((segment) => values.has(segment.key))
      .sort((a, b) => (values.get(b.key) as number) - (values.get(a.key) as number))
      .slice(0, NAMED);
    for (const segment of best) {
      if (named.has(segment)) continue;
      named.add(segment);
      places.push({ span: undefined, points: last, segments: [segment] });
    }
  }
  const shareOf = judges.map(({ values, scale }) => {
    const found = [...named].flatMap(({ key }) => values.get(key) ?? []);
    const least = scale?.least ?? Math.min(...found);
    const most = scale?.most ?? Math.max(...found);
    return (key: string): number =>
      most > least ? Math.max(0, ((values.get(key) ?? least) - least) / (most - least)) : 0;
  });
  const candidates = places.map(({ span, points, segments: held }): Candidate => {
    const shares = judges.map((_, i) => Math.max(0, ...held.map(({ key }) => shareOf[i]?.(key) ?? 0)));
    const own = new Map(
      held.map(({ key }) => [key, judges.reduce((sum, { weight }, i) => sum + weight * (shareOf[i]?.(key) ?? 0), 0)]),
    );
    const reasons = judges.flatMap(({ kind, text, weight }, i): RankReason[] =>
      (shares[i] as number) >= REASON ? [{ kind, text, weight: weight * (shares[i] as number) }] : [],
    );
    return {
      span,
      segments: held,
      points,
      gain: judges.reduce((sum, { weight }, i) => sum + weight * (shares[i] as number), 0),
      own,
      reasons,
    };
  });
  // Found by words comes first among equals.
  return candidates.sort(
    (a, b) => b.points + b.gain - (a.points + a.gain) || Number(a.span === undefined) - Number(b.span === undefined),
  );
}

/** As many spans as were found by words, and no fewer than are shown. */
export async function fusedSpans(
  candidates: readonly Candidate[],
  found: number,
  library: Pick<ComposeTools['library'], 'indexed'>,
): Promise<readonly RankedSpan[]> {
  // Something is always nearest: where no word of the question is found, nothing is claimed to have been.
  if (found === 0) return [];
  const fused: RankedSpan[] = [];
  for (const {
    span,
    segments: [segment],
    points,
    gain,
    reasons,
  } of candidates.slice(0, Math.max(found, SPANS))) {
    const place = span ?? (segment && (await spanOfSegment(segment, library)));
    if (place) fused.push({ ...place, score: points + gain, reasons: [...place.reasons, ...reasons] });
  }
  return fused;
}

export async function spanOfSegment(
  { path, file, hash, startLine, endLine, start, end }: MemorySegment,
  library: Pick<ComposeTools['library'], 'indexed'>,
): Promise<RankedSpan | undefined> {
  const found = await library.indexed(path);
  if (found?.document.hash !== hash) return undefined;
  const { document, segmented } = found;
  const segment = segmented.segments.find((each) => each.start <= start && end <= each.end);
  return {
    file,
    path,
    startLine,
    endLine,
    score: 0,
    breadcrumb: segment?.breadcrumb ?? [],
    reasons: [],
    text: document.text.slice(start, end),
    language: document.language,
  };
}

function isInScope({ file, path, startLine, endLine }: MemorySegment, scope: Scope): boolean {
  if (scope.kind === 'workspace') return true;
  if (scope.kind === 'folder') return path.startsWith(scope.path === '' ? '' : `${scope.path}/`);
  if (file !== scope.file) return false;
  return scope.kind === 'file' || (startLine <= scope.endLine && endLine >= scope.startLine);
}
