import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toDocument } from '../../../src/workspace/sources/read';
import type { SegmentHit } from '../../../src/workspace/lexical/search';
import { SEARCH_WEIGHTS } from '../../../src/search';
import { cutCandidates, rangeOf, type SpanCandidate, widen } from '../../../src/search/lexical/span-candidates';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

const { definition, widened: largest } = SEARCH_WEIGHTS.limits;
let segmenter: Segmenter;
beforeAll(async () => void (segmenter = await createSegmenter()));
afterAll(() => segmenter.close());

/** Candidates of `text` when the segments with the given ordinals were found (all by default). */
async function candidatesOf(
  path: string,
  text: string,
  ordinals?: readonly number[],
): Promise<{ candidates: SpanCandidate[]; hits: SegmentHit[] }> {
  const document = toDocument(`/w/${path}`, path, text);
  const segmented = await segmenter.segment(document);
  const hits = segmented.segments
    .map(({ startLine, endLine, kind }, ordinal): SegmentHit => ({
      ordinal,
      startLine,
      endLine,
      kind,
      score: 1,
      matched: 1,
      symbol: 0,
      doc: 0,
      breadcrumb: 0,
    }))
    .filter(({ ordinal }) => ordinals?.includes(ordinal) ?? true);
  return { candidates: cutCandidates({ document, segmented }, hits, definition), hits };
}

const functionOf = (name: string, lines: number): string =>
  [`def ${name}():`, ...Array.from({ length: lines }, (_, i) => `    step_${i}()`)].join('\n');

describe('rangeOf', () => {
  it('counts lines like the segmenter, for any line break', async () => {
    const line = fc.string({ maxLength: 5 }).map((text) => text.replace(/[\r\n]/g, ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        async (lines, lineEnd) => {
          const document = toDocument('/w/a.txt', 'a.txt', lines.join(lineEnd));
          const read = { document, segmented: await segmenter.segment(document) };
          const said = lines
            .map((_, i) => rangeOf(read, { startLine: i + 1, endLine: i + 1 }))
            .map(({ start, end }) => document.text.slice(start, end));
          expect(said).toEqual(lines);
        },
      ),
    );
  });
});

describe('widen', () => {
  const widened = async (lines: number): Promise<SpanCandidate & { text: string }> => {
    const text = `import step\n\n${functionOf('long', lines)}\n`;
    const document = toDocument('/w/a.py', 'a.py', text);
    return widen(
      { startLine: 40, endLine: 60, breadcrumb: ['long'], text: 'a part' },
      { document, segmented: await segmenter.segment(document) },
      largest,
    );
  };

  it('turns a part into the whole definition, with its text', async () => {
    const whole = await widened(definition.lines + 20);
    expect(whole).toMatchObject({
      startLine: 3,
      endLine: definition.lines + 23,
      breadcrumb: ['long'],
      symbol: { name: 'long' },
    });
    expect(whole.text).toBe(functionOf('long', definition.lines + 20));
  });

  it('keeps a part of a definition that is too long', async () => {
    expect(await widened(4 * definition.lines)).toMatchObject({ startLine: 40, endLine: 60, text: 'a part' });
  });
});

describe('cutCandidates', () => {
  it('returns a short definition whole, with its doc comment', async () => {
    const { candidates } = await candidatesOf(
      'a.ts',
      "import x from 'x';\n\n/** Adds. */\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n",
    );
    expect(candidates.find((candidate) => candidate.symbol?.name === 'add')).toMatchObject({
      startLine: 3,
      endLine: 6,
      breadcrumb: ['add'],
    });
  });

  it('returns only the found segments of a long definition', async () => {
    const { candidates, hits } = await candidatesOf('a.py', functionOf('long', 3 * definition.lines), [1]);
    expect(candidates).toHaveLength(1);
    expect(candidates[0]).toMatchObject({
      startLine: hits[0]?.startLine,
      endLine: hits[0]?.endLine,
      breadcrumb: ['long'],
    });
    expect(candidates[0]?.symbol).toBeUndefined();
  });

  it('covers every found line once, for any size of definitions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 130 })), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
        async (shapes, ordinals) => {
          const text = shapes
            .map(([isFunction, lines], i) =>
              isFunction
                ? functionOf(`f${i}`, lines)
                : Array.from({ length: lines }, (_, n) => `x${n} = ${n}`).join('\n'),
            )
            .join('\n\n');
          const { candidates, hits } = await candidatesOf('a.py', text, ordinals);
          const covered = new Map<number, number>();
          for (const candidate of candidates)
            for (let line = candidate.startLine; line <= candidate.endLine; line++)
              covered.set(line, (covered.get(line) ?? 0) + 1);
          for (const hit of hits)
            for (let line = hit.startLine; line <= hit.endLine; line++) expect(covered.get(line)).toBe(1);
          for (const times of covered.values()) expect(times).toBe(1);
          for (const candidate of candidates)
            expect(candidate.endLine - candidate.startLine).toBeLessThan(definition.lines + 60);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('ignores hits that no longer fit the document', async () => {
    const document = toDocument('/w/a.py', 'a.py', 'x = 1\n');
    const segmented = await segmenter.segment(document);
    const stale: SegmentHit = {
      ordinal: 0,
      startLine: 7,
      endLine: 9,
      kind: 'code',
      score: 1,
      matched: 1,
      symbol: 0,
      doc: 0,
      breadcrumb: 0,
    };
    expect(cutCandidates({ document, segmented }, [stale, { ...stale, ordinal: 5 }], definition)).toEqual([]);
  });
});
