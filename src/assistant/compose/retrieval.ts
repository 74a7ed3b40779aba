/** Retrieval by three judges: the lexical ranker, the vectors of segments, and the model's own attention to their anchors. */
import type { MemorySegment } from '../../library/memories/memories';
import type { Coverage, RankedSpan, RankReason, Scope } from '../../protocol';
import type { ComposeTools } from './compose';
import { fuse, segmentsOfSpans, type Ranking } from './select';

export interface Retrieved {
  /** In the fused order. */
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** Every segment with memories, and the fused score of those that any judge names. */
  segments: readonly MemorySegment[];
  scores: ReadonlyMap<string, number>;
  /** Tokens of the question. */
  questionTokens: number;
}

export const SPANS = 30;
const NEAREST = 60;
/** The share of its score that a span gains at most by each judge: measured in `npm run bench -- memory fused`. */
const GAINS = { vector: 0.2, attention: 0.1 };
/** Rank at which a judge adds half of that. */
const HALF_RANK = 10;
/** Weights of ranks where segments of the context are chosen: what was found, then what is near, then what is attended to. */
const WEIGHTS: Record<Ranking['name'], number> = { lexical: 1, vector: 0.25, attention: 0.1 };

export async function retrieveFused(request: { question: string; before?: string | undefined; scope: Scope }, tools: ComposeTools): Promise<Retrieved> {
  const { library, memories, engine, signal } = tools;
  const { question, before, scope } = request;
  const [{ spans, coverage }, look] = await Promise.all([library.search(question, { scope, limit: SPANS, before, signal }), engine.look(before === undefined ? question : `${question} ${before}`, signal)]);
  const segments = memories.segments();
  const inScope = segments.filter((segment) => isInScope(segment, scope));
  const nearest = await memories.nearest(inScope, look.vector, NEAREST);
  const attended = await memories.attended(inScope, look.queries, NEAREST);
  const judges = (weights: Record<'vector' | 'attention', number>): Ranking[] => [
    { name: 'vector' as const, keys: nearest.map(({ segment }) => segment.key), weight: weights.vector },
    { name: 'attention' as const, keys: attended.map(({ segment }) => segment.key), weight: weights.attention },
  ].filter(({ weight }) => weight > 0);
  const ordered = await fuseSpans(spans, inScope, judges(GAINS), library);
  const scores = fuse([{ name: 'lexical', keys: segmentsOfSpans(ordered, segments), weight: WEIGHTS.lexical }, ...judges(WEIGHTS)]);
  return { spans: ordered, coverage, segments, scores, questionTokens: look.tokens };
}

interface Candidate {
  span: RankedSpan | undefined;
  segment: MemorySegment | undefined;
  /** The lexical ranker's; that of the worst span for a segment that no span holds. */
  score: number;
  /** What the judges add, as a share of the score. */
  gain: number;
  reasons: RankReason[];
}

/**
 * Spans in the fused order. The lexical ranker's scores say how sure it is of each place, so they lead: a judge raises what it names by a share
 * of its score, the more the higher it ranks it, and so decides where the ranker hesitates. (Fusion by ranks alone throws those scores away, and
 * was significantly worse than the ranker by itself.) A span is as good for a judge as the best segment it holds; a segment that no span holds
 * is a candidate behind the last span.
 */
export async function fuseSpans(spans: readonly RankedSpan[], segments: readonly MemorySegment[], judges: readonly Ranking[], library: Pick<ComposeTools['library'], 'indexed'>): Promise<readonly RankedSpan[]> {
  // Something is always nearest: where no word of the question is found, nothing is claimed to have been.
  if (spans.length === 0) return [];
  const lowest = Math.min(...spans.map(({ score }) => score));
  const candidates = spans.map((span): Candidate => ({ span, segment: undefined, score: span.score, gain: 0, reasons: [] }));
  const byKey = new Map(segments.map((segment) => [segment.key, segment]));
  const own = new Map<string, Candidate>();
  for (const { name, keys, weight } of judges) {
    const named = new Set<Candidate>();
    keys.forEach((key, rank) => {
      const segment = byKey.get(key);
      if (!segment) return;
      const holder = candidates.find(({ span }) => span !== undefined && span.path === segment.path && span.startLine <= segment.endLine && span.endLine >= segment.startLine);
      const candidate = holder ?? own.get(key) ?? { span: undefined, segment, score: lowest, gain: 0, reasons: [] };
      if (!holder) own.set(key, candidate);
      // Segments come best first: a span is judged by the first of its own.
      if (named.has(candidate)) return;
      named.add(candidate);
      const gain = weight / (1 + rank / HALF_RANK);
      candidate.gain += gain;
      candidate.reasons.push({ kind: name === 'attention' ? 'attention' : 'vector', text: name === 'attention' ? 'the model attends to it' : 'near in meaning', weight: gain * candidate.score });
    });
  }
  const value = ({ score, gain }: Candidate): number => score * (1 + gain);
  const ranked = [...candidates, ...[...own.values()].sort((a, b) => value(b) - value(a))];
  const kept = [...ranked.slice(0, Math.max(spans.length, SPANS))].sort((a, b) => Number(a.span === undefined) - Number(b.span === undefined) || value(b) - value(a));
  const fused: RankedSpan[] = [];
  for (const { span, segment, score, gain, reasons } of kept) {
    const found = span ?? (segment && (await spanOfSegment(segment, library)));
    if (found) fused.push({ ...found, score: score * (1 + gain), reasons: [...found.reasons, ...reasons] });
  }
  return fused;
}

async function spanOfSegment({ path, file, startLine, endLine, start, end }: MemorySegment, library: Pick<ComposeTools['library'], 'indexed'>): Promise<RankedSpan | undefined> {
  const found = await library.indexed(path);
  if (!found) return undefined;
  const { document, segmented } = found;
  const segment = segmented.segments.find((each) => each.start <= start && end <= each.end);
  return { file, path, startLine, endLine, score: 0, breadcrumb: segment?.breadcrumb ?? [], reasons: [], text: document.text.slice(start, end), language: document.language };
}

function isInScope({ file, path, startLine, endLine }: MemorySegment, scope: Scope): boolean {
  if (scope.kind === 'workspace') return true;
  if (scope.kind === 'folder') return path.startsWith(scope.path === '' ? '' : `${scope.path}/`);
  if (file !== scope.file) return false;
  return scope.kind === 'file' || (startLine <= scope.endLine && endLine >= scope.startLine);
}
