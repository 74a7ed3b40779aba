import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LateInteraction } from '../../src/memory';
import type { TokenNeighbours } from '../../src/protocol/memory';

const VOCABULARY = 40;
const OPTIONS = { blockTokens: 16, sharpness: 3 };

/** A question whose tokens have the given weights. Each is similar to itself and to the given tokens. */
function queryOf(
  tokens: readonly number[],
  weightOf: (token: number) => number = () => 1,
  near: Record<number, Record<number, number>> = {},
): TokenNeighbours {
  const lists = tokens.map((token) =>
    Object.entries({ [token]: 1, ...near[token] }).map(([id, similarity]) => [Number(id), similarity] as const),
  );
  let at = 0;
  return {
    weights: Float32Array.from(tokens, (token, i) => (tokens.indexOf(token) < i ? 0 : weightOf(token))),
    lengths: Float32Array.from(tokens, weightOf),
    starts: Int32Array.from([0, ...lists.map((list) => (at += list.length))]),
    ids: Uint32Array.from(lists.flat(), ([id]) => id),
    similarities: Float32Array.from(lists.flat(), ([, similarity]) => similarity),
  };
}

const scoreOf = (query: TokenNeighbours, ids: readonly number[]): ReturnType<LateInteraction['score']> =>
  new LateInteraction(query, VOCABULARY, OPTIONS).score(Uint16Array.from(ids));

it('a text with the whole question word for word scores 1 and the longest run', () => {
  const score = scoreOf(queryOf([5, 6, 7]), [1, 2, 5, 6, 7, 3]);
  expect(score).toEqual({ segment: 1, passage: 1, tokenRun: 3 });
});

it('tokens far apart count for the segment, but for no passage and no run', () => {
  const far = Array.from({ length: 64 }, () => 1);
  const { segment, passage, tokenRun } = scoreOf(queryOf([5, 6]), [5, ...far, 6]);
  expect([segment, passage, tokenRun]).toEqual([1, 0.5, 1]);
});

it('near tokens count by the cube of their cosine', () => {
  expect(scoreOf(queryOf([5], undefined, { 5: { 9: 0.5 } }), [9]).segment).toBeCloseTo(0.125);
});

it('a run follows the order of the question and counts repeated words', () => {
  expect(scoreOf(queryOf([5, 6, 5]), [5, 6, 5]).tokenRun).toBe(3);
  expect(scoreOf(queryOf([5, 6, 7]), [7, 6, 5]).tokenRun).toBe(1);
});

it('scores are independent of the texts scored before', () => {
  const interaction = new LateInteraction(queryOf([5, 6]), VOCABULARY, OPTIONS);
  interaction.score(Uint16Array.of(5, 6));
  expect(interaction.score(Uint16Array.of(1, 2))).toEqual({ segment: 0, passage: 0, tokenRun: 0 });
});

it('scores follow the definition for any texts and weights', () => {
  const token = fc.nat(11);
  const question = fc.array(token, { minLength: 1, maxLength: 8 });
  const text = fc.array(token, { maxLength: 120 });
  const cosines = fc.dictionary(
    fc.nat(11).map(String),
    fc.dictionary(fc.nat(11).map(String), fc.constantFrom(0.5, 0.75), { maxKeys: 3 }),
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(question, text, cosines, (asked, ids, near) => {
      const weightOf = (id: number): number => 1 + (id % 3);
      const worth = (one: number, other: number): number =>
        one === other ? 1 : ((near as Record<number, Record<number, number>>)[one]?.[other] ?? 0) ** 3;
      const own: Record<number, Record<number, number>> = {};
      for (const [id, others] of Object.entries(near))
        own[Number(id)] = Object.fromEntries(Object.entries(others).filter(([other]) => other !== id));
      const whole = [...new Set(asked)].reduce((sum, id) => sum + weightOf(id), 0);
      const held = (part: readonly number[]): number =>
        [...new Set(asked)].reduce(
          (sum, id) => sum + weightOf(id) * Math.max(0, ...part.map((other) => worth(id, other))),
          0,
        ) / whole;
      const passages = Array.from({ length: Math.max(1, Math.ceil(ids.length / 16)) }, (_, i) =>
        held(ids.slice(Math.max(0, i - 1) * 16, (i + 1) * 16)),
      );
      let run = 0;
      for (let k = 0; k < ids.length; k++) {
        for (let j = 0; j < asked.length; j++) {
          let sum = 0;
          for (let n = 0; k + n < ids.length && j + n < asked.length && worth(asked[j + n]!, ids[k + n]!) > 0; n++)
            sum += weightOf(asked[j + n]!) * worth(asked[j + n]!, ids[k + n]!);
          run = Math.max(run, sum);
        }
      }
      const score = scoreOf(queryOf(asked, weightOf, own), ids);
      expect(score.segment).toBeCloseTo(held(ids), 4);
      expect(score.passage).toBeCloseTo(Math.max(...passages), 4);
      expect(score.tokenRun).toBeCloseTo(run, 4);
    }),
  );
});

it('the best stretch contains the match, wherever the match is', () => {
  const late = new LateInteraction(queryOf([5, 6, 7]), VOCABULARY, OPTIONS);
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 300 }),
      fc.nat(),
      fc.integer({ min: 32, max: 128 }),
      (length, seed, tokens) => {
        // Single words of the question are spread over the text. All of them occur once in order.
        const at = seed % (length - 2);
        const ids = Uint16Array.from({ length }, (_, i) => (i % 40 === 0 ? 5 : 1));
        ids.set([5, 6, 7], at);
        const from = late.bestStretch(ids, tokens);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(from).toBeLessThanOrEqual(Math.max(0, length - tokens));
        expect(at).toBeGreaterThanOrEqual(from);
        expect(at + 3).toBeLessThanOrEqual(from + tokens);
      },
    ),
  );
});
