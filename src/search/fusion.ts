/**
 * Fuses the scores of several scorers into one ranking. Weighted scores are added. A convex combination of scores
 * outperforms a fusion of ranks (Bruch, Gai and Ingber, TOIS 2023), because a score shows how confident its scorer is.
 */
import type { MemorySegment } from '../memory';
import type { RankedSpan, RankReason } from '../protocol';
import { highest, segmentsAt } from './memory-candidates';
import type { Scorer, Scores, ScoringInput } from './scorers';
import type { SearchWeights } from './weights';

/** A possible result of a search: a span found by words, or a segment that a scorer ranks high. */
export interface Candidate {
  /** Absent for a segment outside all spans found by words. */
  span: RankedSpan | undefined;
  /** Segments with stored rows that overlap the span. */
  segments: readonly MemorySegment[];
  score: number;
  /** Fused score of each of the segments, by key. */
  segmentScores: ReadonlyMap<string, number>;
  /** Cosine of the nearest passage with the question. Undefined without a sentence encoder. */
  similarity: number | undefined;
  /** Reasons of the scorers, without the span's own reasons. */
  reasons: readonly RankReason[];
}

/** The scores that one scorer gave for one question. */
export interface ScorerResult {
  scorer: Scorer;
  weight: number;
  scores: Scores;
}

/** Runs every scorer whose weight is not 0. */
export async function runScorers(scorers: readonly Scorer[], input: ScoringInput): Promise<ScorerResult[]> {
  const results: ScorerResult[] = [];
  for (const scorer of scorers) {
    const weight = input.weights.scorers[scorer.name];
    const scores = weight === 0 ? undefined : await scorer.score(input);
    if (scores) results.push({ scorer, weight: weight * (scorer.factor?.(input) ?? 1), scores });
  }
  return results;
}

/**
 * Ranks spans and high-scoring segments, best first. Among equal scores, spans found by words come first.
 * @param isPartial true while rows of many segments are missing. No segment is then added for its rows alone, and a
 *   span without rows counts as the mean of those that have some, so that what is encoded first does not come first.
 */
export function fuse(
  { spans, segments }: Pick<ScoringInput, 'spans' | 'segments'>,
  given: readonly ScorerResult[],
  { limits, reasons: settings }: Pick<SearchWeights, 'limits' | 'reasons'>,
  isPartial = false,
): Candidate[] {
  const places = placesOf(spans, segments, given, isPartial ? 0 : limits.addedSegments);
  const similarities = given.find(({ scorer }) => scorer.name === 'passage')?.scores.segments;
  const known = places.filter((place) => place.segments.length > 0).length / Math.max(1, places.length);
  const results = given.map((result) =>
    isPartial && result.scores.segments ? { ...result, weight: result.weight * known } : result,
  );
  const shares = results.map(({ scores }) => {
    const share = shareFunction(scores, places);
    return isPartial && scores.segments ? withMean(share, places) : share;
  });
  const candidates = places.map((place): Candidate => {
    const own = shares.map((share) => share.ofPlace(place));
    const score = results.reduce((sum, { weight }, i) => sum + weight * (own[i] as number), 0);
    const segmentScores = new Map(
      place.segments.map(({ key }) => [
        key,
        results.reduce((sum, { weight }, i) => sum + weight * (shares[i]?.ofSegment(key, place) ?? 0), 0),
      ]),
    );
    const reasons = results.flatMap(({ scorer: { reason }, weight, scores }, i): RankReason[] => {
      const share = own[i] as number;
      const isMeasured = !isPartial || scores.segments === undefined || place.segments.length > 0;
      return reason && isMeasured && share >= settings.scorerShare ? [{ ...reason, weight: weight * share }] : [];
    });
    const cosines = place.segments.flatMap(({ key }) => similarities?.get(key) ?? []);
    const similarity = cosines.length > 0 ? Math.max(...cosines) : undefined;
    return { ...place, score, segmentScores, similarity, reasons };
  });
  return candidates.sort((a, b) => b.score - a.score || Number(a.span === undefined) - Number(b.span === undefined));
}

interface Place {
  span: RankedSpan | undefined;
  segments: readonly MemorySegment[];
}

/** Returns the spans, and the best segments of each scorer outside all spans. */
function placesOf(
  spans: readonly RankedSpan[],
  segments: readonly MemorySegment[],
  results: readonly ScorerResult[],
  addedSegments: number,
): Place[] {
  const byPath = new Map<string, MemorySegment[]>();
  for (const index of segmentsAt(segments, spans)) {
    const segment = segments[index] as MemorySegment;
    const own = byPath.get(segment.path);
    if (own) own.push(segment);
    else byPath.set(segment.path, [segment]);
  }
  const places: Place[] = spans.map((span) => ({
    span,
    segments: (byPath.get(span.path) ?? []).filter(
      ({ startLine, endLine }) => span.startLine <= endLine && span.endLine >= startLine,
    ),
  }));
  const held = new Set(places.flatMap((place) => place.segments));
  for (const { scores } of results) {
    const values = scores.segments;
    if (!values) continue;
    const valued = values.segments ?? segments;
    const valueAt = (index: number): number | undefined => values.get((valued[index] as MemorySegment).key);
    for (const index of highest(valued.length, valueAt, addedSegments)) {
      const segment = valued[index] as MemorySegment;
      if (held.has(segment)) continue;
      held.add(segment);
      places.push({ span: undefined, segments: [segment] });
    }
  }
  return places;
}

interface ShareFunction {
  ofPlace(place: Place): number;
  ofSegment(key: string, place: Place): number;
}

/** Gives places without rows the mean share of the others. */
function withMean(share: ShareFunction, places: readonly Place[]): ShareFunction {
  const known = places.filter(({ segments }) => segments.length > 0).map((place) => share.ofPlace(place));
  const mean = known.reduce((sum, each) => sum + each, 0) / Math.max(1, known.length);
  return { ...share, ofPlace: (place) => (place.segments.length > 0 ? share.ofPlace(place) : mean) };
}

/** Returns a function that maps a scorer's values to shares of its weight. */
function shareFunction(scores: Scores, places: readonly Place[]): ShareFunction {
  const { spans, segments, otherwise } = scores;
  const ofSpan = ({ span, segments: [first] }: Place): number | undefined =>
    (span && spans?.get(span)) ?? otherwise?.(first);
  if (scores.scale === 'points') {
    const ofPlace = (place: Place): number => ofSpan(place) ?? 0;
    return { ofPlace, ofSegment: (_, place) => ofPlace(place) };
  }
  const found = places.flatMap((place) => [
    ...place.segments.flatMap(({ key }) => segments?.get(key) ?? []),
    ...(place.span ? [spans?.get(place.span) ?? []].flat() : []),
  ]);
  const least = scores.scale === 'candidates' ? Math.min(...found) : scores.scale.least;
  const most = scores.scale === 'candidates' ? Math.max(...found) : scores.scale.most;
  const share = (value: number | undefined): number =>
    most > least ? Math.max(0, ((value ?? least) - least) / (most - least)) : 0;
  const ofSegment = (key: string, place: Place): number =>
    Math.max(share(segments?.get(key)), share((place.span && spans?.get(place.span)) ?? undefined));
  const ofPlace = (place: Place): number =>
    Math.max(
      0,
      share((place.span && spans?.get(place.span)) ?? undefined),
      ...place.segments.map(({ key }) => share(segments?.get(key))),
    );
  return { ofPlace, ofSegment };
}
