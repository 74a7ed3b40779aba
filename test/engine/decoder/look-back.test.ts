import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lambda, type DecoderContext } from '../../../src/engine';
import { largestGap, randomTokens, Tiny } from '../tiny';

const [SINKS, WINDOW, ROWS, COUNT, TAIL] = [2, 12, 4, 2, 5];

describe.each(['llama2', 'qwen3'])('%s: the end of a text sees blocks that left the window', (family) => {
  let tiny: Tiny;
  beforeAll(async () => {
    tiny = await Tiny.open(family, 8);
  });
  afterAll(() => tiny.decoder.close());

  const open = (count = COUNT): DecoderContext =>
    tiny.decoder.newContext(
      lambda({ sinks: SINKS, window: WINDOW, middle: { blocks: { rows: ROWS, count }, tail: TAIL } }),
      200,
      { rope: tiny.rope },
    );
  const plain = (): DecoderContext =>
    tiny.decoder.newContext(lambda({ sinks: SINKS, window: WINDOW }), 200, { rope: tiny.rope });
  const placed = (context: DecoderContext) => context.ledger().groups.filter(({ origin }) => origin === 'look back');

  it('as many as the policy says, in front of the tail', async () => {
    const tokens = randomTokens(60, 128, 3);
    const context = open();
    await context.prefill(tokens);
    expect(placed(context)).toMatchObject([{ kind: 'memory', rows: ROWS * COUNT, from: 60 - TAIL }]);
    expect(context.position).toBe(60 + ROWS * COUNT);
  });

  it('and reads on as if their rows had been spliced there', async () => {
    const tokens = randomTokens(60, 128, 4);
    // All blocks are chosen, those in the window too, so that the choice plays no part.
    const context = open(14);
    const got = [(await context.prefill(tokens)).logits, await context.decode(7)];
    const rows: { at: number; rows: ReturnType<DecoderContext['rowsAt']> }[] = [];
    const other = plain();
    for (let at = 0; at < 60 - TAIL; at++) {
      await other.prefill(tokens.slice(at, at + 1), { logits: 'none' });
      // The window still has the row that was read last. Those of the first tokens are seen by all.
      if (at >= SINKS) rows.push({ at, rows: other.rowsAt(at, at + 1) });
    }
    for (const each of rows) other.splice(each.rows, other.position, 'by hand');
    const expected = [(await other.prefill(tokens.slice(60 - TAIL))).logits, await other.decode(7)];
    expect(largestGap(got, expected)).toBeLessThan(1e-4);
  });

  it('and the choice changes what is read', async () => {
    const tokens = randomTokens(80, 128, 9);
    const read = async (context: DecoderContext) => (await context.prefill(tokens)).logits;
    expect(largestGap([await read(open())], [await read(plain())])).toBeGreaterThan(1e-4);
  });

  it('anew for the next question', async () => {
    const context = open();
    await context.prefill(randomTokens(60, 128, 3));
    await context.prefill(randomTokens(20, 128, 8));
    expect(placed(context)).toHaveLength(1);
  });

  it('and nothing while the text is within the window', async () => {
    const context = open();
    await context.prefill(randomTokens(WINDOW, 128, 3));
    expect(placed(context)).toEqual([]);
  });

  it('a fork answers on its own', async () => {
    const context = open();
    const text = randomTokens(50, 128, 5);
    await context.prefill(text, { logits: 'none' });
    const ask = (seed: number, of: DecoderContext) => of.prefill(randomTokens(9, 128, seed));
    const first = (await ask(1, context.fork())).logits;
    await ask(2, context.fork());
    expect(largestGap([(await ask(1, context.fork())).logits], [first])).toBe(0);
    expect(context.position).toBe(50);
    const again = open();
    await again.prefill(text, { logits: 'none' });
    expect(largestGap([(await ask(1, again)).logits], [first])).toBe(0);
  });
});
