/** Retrieval by three judges: the lexical ranker, the vectors of segments, and the model's own attention to their anchors. */
import type { MemorySegment } from '../../library/memories/memories';
import type { Coverage, RankedSpan, RankReason, Scope } from '../../protocol';
import type { ComposeTools } from './compose';
import { fuse, reciprocalRank, segmentsOfSpans, type Ranking } from './select';

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
/** Weights of the judges: measured in `npm run bench -- memory fused`. */
const WEIGHTS: Record<Ranking['name'], number> = { lexical: 1, vector: 0.5, attention: 0.1 };

export async function retrieveFused(request: { question: string; searchText?: string; scope: Scope }, tools: ComposeTools): Promise<Retrieved> {
  const { library, memories, engine, signal } = tools;
  const { scope } = request;
  const searchText = request.searchText ?? request.question;
  const [{ spans, coverage }, look] = await Promise.all([library.search(searchText, { scope, limit: SPANS, signal }), engine.look(searchText, signal)]);
  const segments = memories.segments();
  const inScope = segments.filter((segment) => isInScope(segment, scope));
  const nearest = await memories.nearest(inScope, look.vector, NEAREST);
  const attended = await memories.attended(inScope, look.queries, NEAREST);
  const others: Ranking[] = [
    { name: 'vector', keys: nearest.map(({ segment }) => segment.key), weight: WEIGHTS.vector },
    { name: 'attention', keys: attended.map(({ segment }) => segment.key), weight: WEIGHTS.attention },
  ];
  const lexical: Ranking = { name: 'lexical', keys: segmentsOfSpans(spans, segments), weight: WEIGHTS.lexical };
  const scores = fuse([lexical, ...others]);
  return { spans: await fuseSpans(spans, inScope, others, library), coverage, segments, scores, questionTokens: look.tokens };
}

interface Candidate {
  span: RankedSpan | undefined;
  segment: MemorySegment | undefined;
  score: number;
  reasons: RankReason[];
}

/**
 * Spans in the fused order. A span is as good for a judge as the best segment it holds; a segment that no span holds is a candidate of its
 * own. The lexical ranker's scores are dealt out anew in this order, so that what relies on their scale still may.
 */
export async function fuseSpans(spans: readonly RankedSpan[], segments: readonly MemorySegment[], judges: readonly Ranking[], library: Pick<ComposeTools['library'], 'indexed'>): Promise<readonly RankedSpan[]> {
  // Something is always nearest: where no word of the question is found, nothing is claimed to have been.
  if (spans.length === 0) return [];
  const candidates = spans.map((span, rank): Candidate => ({ span, segment: undefined, score: reciprocalRank(rank, WEIGHTS.lexical), reasons: [] }));
  const byKey = new Map(segments.map((segment) => [segment.key, segment]));
  const own = new Map<string, Candidate>();
  for (const judge of judges) {
    const named = new Set<Candidate>();
    for (const [key, score] of fuse([judge])) {
      const segment = byKey.get(key);
      if (!segment) continue;
      const holder = candidates.find(({ span }) => span !== undefined && span.path === segment.path && span.startLine <= segment.endLine && span.endLine >= segment.startLine);
      const candidate = holder ?? own.get(key) ?? { span: undefined, segment, score: 0, reasons: [] };
      if (!holder) own.set(key, candidate);
      // Segments come best first: a span is judged by the first of its own.
      if (named.has(candidate)) continue;
      named.add(candidate);
      candidate.score += score;
      candidate.reasons.push({ kind: judge.name === 'attention' ? 'attention' : 'vector', text: judge.name === 'attention' ? 'the model attends to it' : 'near in meaning', weight: score });
    }
  }
  const ranked = [...candidates, ...own.values()].sort((a, b) => b.score - a.score).slice(0, Math.max(spans.length, Math.min(SPANS, candidates.length + own.size)));
  const scale = spans.map(({ score }) => score);
  const lowest = scale.at(-1) ?? 1;
  const fused: RankedSpan[] = [];
  for (const { span, segment, reasons } of ranked) {
    const found = span ?? (segment && (await spanOfSegment(segment, library)));
    if (found) fused.push({ ...found, score: scale[fused.length] ?? lowest, reasons: [...found.reasons, ...reasons] });
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
