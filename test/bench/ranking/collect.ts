import { SEARCH_WEIGHTS, parseQuestion } from '../../../src/search';
import { SPAN_PARTS } from '../../../src/search/lexical/span-ranking';
import { FEATURES } from '../../../src/search/lexical/features';
import { LexicalRanker } from '../../../src/search/lexical/lexical-ranker';
import { analyseQuestion } from '../../../src/search/query/analysis';
import { selectPassages } from '../../../src/assistant/quote/passages';
import { PassageSource } from '../../../src/assistant/quote/passage-source';
import { unitsOf } from '../../../src/memory/encode/encoding-units';
import type { Segmenter } from '../../../src/workspace/segments/segmenter';
import type { Document } from '../../../src/workspace/types';
import { answering, IndexedWorkspace } from '../memory/indexed';
import type { PassageVectors } from '../retrieval/passage-vectors';
import { type Question, withoutMasks } from '../retrieval/questions';

interface Unit {
  path: string;
  startLine: number;
  endLine: number;
  vectors: Int8Array;
}

export async function collect(
  name: string,
  documents: readonly Document[],
  questions: readonly Question[],
  vectors: PassageVectors,
  segmenter: Segmenter,
  { seconds, encodeOnly }: { seconds: number; encodeOnly: boolean },
): Promise<object[] | undefined> {
  // The answering library of the benches finds a file by its path.
  const named = withoutMasks(documents, questions).map((document) => ({ ...document, file: `/${document.path}` }));
  const workspace = await IndexedWorkspace.open(named, segmenter);
  const texts: { text: string; path: string; startLine: number; endLine: number }[] = [];
  for (const { path } of documents) {
    const both = await workspace.indexed(path);
    if (!both) continue;
    const { document } = both;
    for (const { start, end, startLine, endLine } of unitsOf(document, both.segmented, 'bench'))
      texts.push({ text: document.text.slice(start, end), path: document.path, startLine, endLine });
  }
  const characters = texts.reduce((sum, { text }) => sum + text.length, 0);
  console.log(
    `${name}: ${documents.length} files, ${(documents.reduce((s, d) => s + d.text.length, 0) / 1e6).toFixed(2)} MB, to encode ${(characters / 1e6).toFixed(2)} MB`,
  );
  const left = await vectors.encode(
    texts.map(({ text }) => text),
    seconds,
  );
  if (left > 0) {
    console.log(`${name}: ${left} texts left`);
    return undefined;
  }
  if (encodeOnly) return undefined;
  const units: Unit[] = texts.flatMap(({ text, ...place }) => {
    const own = vectors.get(text);
    return own && own.length > 0 ? [{ ...place, vectors: own }] : [];
  });
  const byPath = new Map<string, Unit[]>();
  for (const unit of units) byPath.set(unit.path, [...(byPath.get(unit.path) ?? []), unit]);
  const ranker = new LexicalRanker(workspace.index, workspace.reader);
  const library = answering(workspace);
  const ownNames = name === 'cosqa' ? [] : [name];
  const rows: object[] = [];
  for (const question of questions) {
    const analysed = analyseQuestion(question.text, { ownNames });
    const spans = await ranker.search(analysed, {
      scope: { kind: 'workspace' },
      limit: SEARCH_WEIGHTS.limits.spans,
      pathOf: (file) => file,
    });
    const { candidates } = await ranker.candidates(analysed, {
      scope: { kind: 'workspace' },
      limit: SEARCH_WEIGHTS.limits.spans,
      pathOf: (file) => file,
    });
    const { found } = ranker.rank(analysed);
    const sentence = await vectors.embed(question.text);
    const cosines = new Map<Unit, number>(units.map((unit) => [unit, bestCosine(unit.vectors, sentence)]));
    const sorted = [...cosines].sort((a, b) => b[1] - a[1]);
    const values = sorted.map(([, cosine]) => cosine);
    const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
    const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length));
    const parsed = parseQuestion(question.text, ownNames);
    const { passages, weights } = await selectPassages(parsed, spans, new PassageSource(library), 8);
    const cosAt = (path: string, from: number, to: number): number =>
      Math.max(
        -1,
        ...(byPath.get(path) ?? [])
          .filter(({ startLine, endLine }) => from <= endLine && to >= startLine)
          .map((unit) => cosines.get(unit) as number),
      );
    rows.push({
      id: question.id,
      kind: question.kind,
      repo: name,
      text: question.text,
      gold: question.gold.map(({ path }) => path),
      names: analysed.names.map(({ kind, text }) => [kind, text]),
      terms: analysed.terms.map(({ term, weight }, i) => [
        term,
        weight,
        round(found.documentIdf[i] ?? 0),
        round(found.segmentIdf[i] ?? 0),
      ]),
      phrases: analysed.phrases.length,
      spans: spans.map(({ path, startLine, endLine, score }) => ({
        path,
        startLine,
        endLine,
        score: round(score),
        cos: round(cosAt(path, startLine, endLine)),
      })),
      units: sorted
        .slice(0, 60)
        .map(([{ path, startLine, endLine }, cos]) => ({ path, startLine, endLine, cos: round(cos) })),
      cos: { mean: round(mean), sd: round(sd), max: round(values[0] ?? 0) },
      documents: candidates.map(({ document: { hit, score, features }, scored }) => ({
        path: hit.path,
        score: round(score),
        features: FEATURES.map((feature) => round(features[feature])),
        spans: scored.slice(0, 6).map(({ startLine, endLine, parts }) => ({
          startLine,
          endLine,
          parts: SPAN_PARTS.map((part) => round(parts[part])),
          cos: round(cosAt(hit.path, startLine, endLine)),
        })),
      })),
      gate: {
        terms: parsed.terms.size,
        names: parsed.names,
        passages: passages.map((passage) => ({
          path: passage.document.path,
          coverage: round(passage.coverage),
          words: passage.words,
          defines: passage.symbol !== undefined && parsed.names.includes(passage.symbol.name),
          cos: round(cosAt(passage.document.path, passage.startLine, passage.endLine)),
        })),
        total: round(weights.total),
      },
    });
  }
  return rows;
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

function bestCosine(vectors: Int8Array, sentence: Float32Array): number {
  let best = -Infinity;
  for (let at = 0; at < vectors.length; at += sentence.length) {
    let product = 0;
    for (let i = 0; i < sentence.length; i++) product += (vectors[at + i] as number) * (sentence[i] as number);
    if (product > best) best = product;
  }
  return best / 127;
}
