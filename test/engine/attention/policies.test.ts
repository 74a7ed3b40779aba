import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anchors,
  compose,
  full,
  intervalAnchors,
  lambda,
  streaming,
  tokenAnchors,
  type AttentionPolicy,
} from '../../../src/engine';
import { largestGap, randomTokens, Tiny } from '../tiny';

type Distance = (i: number, j: number) => number | undefined;

/** Compares graphs with plain arrays. `distance` follows the paper and does not use the policy's code. */
async function agrees(
  family: string,
  make: () => AttentionPolicy,
  distance: (tokens: readonly number[]) => Distance,
  cases = 12,
): Promise<void> {
  const models = new Map<number, Tiny>();
  const property = fc.asyncProperty(
    fc.record({
      length: fc.integer({ min: 1, max: 48 }),
      prefilled: fc.nat(48),
      chunk: fc.constantFrom(1, 3, 8, 64),
      seed: fc.nat(),
    }),
    async ({ length, prefilled, chunk, seed }) => {
      const tiny = models.get(chunk) ?? (await Tiny.open(family, chunk));
      models.set(chunk, tiny);
      const tokens = randomTokens(length, tiny.model.config.vocabSize, seed);
      const context = tiny.decoder.newContext(make(), length, { rope: tiny.rope });
      const got = await tiny.read(context, tokens, Math.min(prefilled, length));
      const expected = tiny.reference({ tokens, distance: distance(tokens) }).logits;
      expect(largestGap(got, expected)).toBeLessThan(1e-4);
    },
  );
  await fc.assert(property, { numRuns: cases });
  for (const tiny of models.values()) await tiny.decoder.close();
}

const families = ['llama2', 'qwen3', 'phi3', 'qwen2-yarn'];

describe.each(families)('%s', (family) => {
  it('full attention', () =>
    agrees(
      family,
      () => full(),
      () => (i, j) => i - j,
    ));

  it.each([
    [0, 5],
    [1, 4],
    [3, 9],
    [4, 16],
  ])('Λ with %i sinks and a window of %i', (sinks, window) =>
    agrees(
      family,
      () => lambda({ sinks, window }),
      () => (i, j) => {
        if (!(j <= i && (j < sinks || i - j < window))) return undefined;
        return Math.min(i - j, window);
      },
    ),
  );

  it('Λ with a ceiling beyond the window, and with none', async () => {
    const visible: Distance = (i, j) => (j < 2 || i - j < 6 ? i - j : undefined);
    await agrees(
      family,
      () => lambda({ sinks: 2, window: 6, ceiling: 11 }),
      () => (i, j) => (visible(i, j) === undefined ? undefined : Math.min(i - j, 11)),
      6,
    );
    await agrees(
      family,
      () => lambda({ sinks: 2, window: 6, ceiling: Infinity }),
      () => visible,
      6,
    );
  });

  it('AnSAN: cached reading equals one masked forward', () => {
    const isAnchor = (token: number) => token % 5 === 0;
    return agrees(
      family,
      () => anchors({ sinks: 2, isAnchor }),
      (tokens) => {
        const anchor = tokens.map((token, i) => i >= 2 && isAnchor(token));
        const segment = anchor.map((_, i) => anchor.slice(0, i).filter(Boolean).length);
        return (i, j) => {
          if (j < 2 || segment[i] === segment[j]) return i - j;
          return anchor[j] && !anchor[i] ? i - j : undefined;
        };
      },
    );
  });

  it('Λ with anchors: sinks, anchors and a window', () => {
    const make = () =>
      compose(lambda({ sinks: 2, window: 7 }), anchors({ sinks: 2, isAnchor: intervalAnchors(4), closing: false }));
    return agrees(family, make, () => (i, j) => {
      // The count starts at the first token. Sinks are not anchors. An interval that ends on a sink restarts after the
      // sinks.
      const anchor = isIntervalAnchor(j);
      return j < 2 || anchor || i - j < 7 ? Math.min(i - j, 7) : undefined;
    });
  });

  it('Λ with closing anchors: the window stays in sight, and of what left it the anchors', () => {
    const options = { sinks: 2, isAnchor: intervalAnchors(4) };
    const make = () => compose(lambda({ sinks: 2, window: 7 }), anchors({ ...options, window: 7 }));
    return agrees(family, make, () => (i, j) => {
      if (j < 2 || i - j < 7) return Math.min(i - j, 7);
      // An anchor sees no anchor that left the window.
      return isIntervalAnchor(j) && !isIntervalAnchor(i) ? 7 : undefined;
    });
  });

  it('StreamingLLM: positions inside the cache', () =>
    agrees(
      family,
      () => streaming({ sinks: 3, window: 6 }),
      () => (i, j) => {
        if (!(j < 3 || i - j < 6)) return undefined;
        // The full cache has 3 + 6 rows, and the query is the last one.
        return j < 3 ? Math.min(i, 8) - j : i - j;
      },
    ));
});

describe.each(['llama2', 'qwen3'])('%s: the last query looks back at middle rows', (family) => {
  it.each([
    [1, 0],
    [2, 1],
    [5, 1],
  ])('the best %i from layer %i on', async (k, fromLayer) => {
    const tiny = await Tiny.open(family, 8);
    const [sinks, window] = [2, 6];
    for (const [length, decoded] of [
      [5, 1],
      [9, 2],
      [30, 4],
      [41, 9],
    ] as const) {
      const tokens = randomTokens(length + decoded, 128, length);
      const context = tiny.decoder.newContext(lambda({ sinks, window, middle: { k, fromLayer } }), 64, {
        rope: tiny.rope,
      });
      const { logits } = await context.prefill(tokens.slice(0, length));
      const got = [logits];
      for (const token of tokens.slice(length)) got.push(await context.decode(token));
      const expected = tiny
        .reference({
          tokens,
          distance: (i, j) => (j < sinks || i - j < window ? Math.min(i - j, window) : undefined),
          middle: {
            k,
            fromLayer,
            distance: window / 2,
            isMiddle: (i, j) => i >= length - 1 && j >= sinks && i - j >= window,
          },
        })
        .logits.slice(length - 1);
      expect(largestGap(got, expected)).toBeLessThan(1e-4);
      expect(context.ledger().rows).toBe(tokens.length);
    }
    await tiny.decoder.close();
  });

  it('and so do as many tokens before it as the policy says', async () => {
    const tiny = await Tiny.open(family, 8);
    // From the first layer on, so that the rows of the next layer differ.
    const middle = { k: 2, fromLayer: 0 };
    const tokens = randomTokens(40, 128, 7);
    const open = (tail: number) =>
      tiny.decoder.newContext(lambda({ sinks: 2, window: 6, middle: { ...middle, tail } }), 64, { rope: tiny.rope });
    const one = open(1);
    await one.prefill(tokens.slice(0, 36), { logits: 'none' });
    let expected = new Float32Array(0);
    for (const token of tokens.slice(36)) expected = (await one.decode(token)).slice();
    const got = (await open(4).prefill(tokens)).logits;
    expect(largestGap([got], [expected])).toBeLessThan(1e-5);
    expect(largestGap([(await open(1).prefill(tokens)).logits], [expected])).toBeGreaterThan(1e-4);
    await tiny.decoder.close();
  });

  it('and keeps the latest of them, at most as many as the policy allows', async () => {
    const tiny = await Tiny.open(family, 8);
    const [sinks, window, most] = [2, 6, 16];
    const policy = () => lambda({ sinks, window, middle: { k: 2, fromLayer: 1, most } });
    const tokens = randomTokens(90, 128, 3);
    const context = tiny.decoder.newContext(policy(), 40, { rope: tiny.rope });
    await context.prefill(tokens.slice(0, 70));
    const middle = () => context.ledger().groups.find(({ kind }) => kind === 'middle');
    expect(middle()).toMatchObject({ to: 70 - window });
    for (const token of tokens.slice(70)) {
      await context.decode(token);
      expect(middle()?.rows).toBeLessThanOrEqual(most);
      expect(middle()?.rows).toBeGreaterThan(most - 3);
    }
    expect(middle()?.from).toBeGreaterThanOrEqual(90 - window - most);
    await tiny.decoder.close();
  });
});

/** intervalAnchors(4) after two sinks: tokens 3, 7, 11 … (the count starts at the first token). */
const isIntervalAnchor = (j: number) => j % 4 === 3;

describe('policies', () => {
  const policies: AttentionPolicy[] = [
    full(),
    full(7),
    lambda({ sinks: 3, window: 8 }),
    streaming({ sinks: 2, window: 5 }),
    anchors({ isAnchor: tokenAnchors([0, 3]) }),
    compose(lambda({ sinks: 1, window: 6 }), anchors({ sinks: 1, isAnchor: tokenAnchors([2]) })),
    compose(lambda({ sinks: 1, window: 6 }), anchors({ sinks: 1, isAnchor: tokenAnchors([2]), window: 6 })),
  ];

  it.each(policies.map((policy) => [policy.name, policy] as const))(
    '%s keeps every row that a later token can see',
    (_name, policy) => {
      fc.assert(
        fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }), (tokens) => {
          let group = 0;
          let since = 0;
          const rows = tokens.map((token, position) => {
            const kind = policy.kindOf(token, position, since);
            const row = { kind, position, group };
            since++;
            if (kind === 3) [group, since] = [group + 1, 0];
            return row;
          });
          rows.forEach((q, i) => {
            const open = { next: q.position, group: q.group };
            for (const k of rows.slice(0, i))
              if (!policy.keeps(k, open.next, open.group)) expect(policy.sees(q, k)).toBe(0);
            for (const k of rows.slice(i + 1)) expect(policy.sees(q, k)).toBe(0);
            expect(policy.sees(q, q)).toBe(1);
          });
        }),
      );
    },
  );

  it('keep a constant number of rows under Λ, and only anchors under AnSAN', async () => {
    const tiny = await Tiny.open('llama2', 8);
    const tokens = randomTokens(200, 128, 3);
    const context = tiny.decoder.newContext(lambda({ sinks: 4, window: 16 }), 32, { rope: tiny.rope });
    await context.prefill(tokens);
    expect(context.ledger().rows).toBe(4 + 15);
    const bytes = context.ledger().allocatedBytes;
    for (const token of tokens) await context.decode(token);
    expect(context.ledger().rows).toBe(4 + 15);
    expect(context.ledger().allocatedBytes).toBe(bytes);

    const anchored = tiny.decoder.newContext(anchors({ isAnchor: intervalAnchors(10) }), 64, { rope: tiny.rope });
    await anchored.prefill(tokens);
    expect(anchored.ledger().groups).toMatchObject([{ kind: 'anchors', rows: 20, tokens: 200 }]);
    await tiny.decoder.close();
  });
});
