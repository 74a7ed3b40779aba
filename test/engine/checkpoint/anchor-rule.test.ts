import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  lineEnds,
  openCheckpoint,
  readAnchorRule,
  readingPolicy,
  readingRows,
  Tokenizer,
  withAnchors,
} from '../../../src/engine';
import { randomTokens, Tiny } from '../tiny';

const ANCHOR = 9;
const rule = { token: ANCHOR, min: 3, max: 5 };

describe('anchors by rule', () => {
  it.each([
    ['at the first end of a line after the least', [1, 0, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, ANCHOR, 1, 1]],
    ['at the most at the latest', [1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, ANCHOR, 1, 1]],
    ['not behind the last token', [1, 1, 0], [1, 1, 0]],
    ['not in a short text', [0, 1], [0, 1]],
  ])('stand %s', (_, tokens, expected) => {
    expect(withAnchors(tokens, rule, (token) => token === 0)).toEqual(expected);
  });

  it('are read from the config of the bundled model, with its token and its ends of lines', async () => {
    const directory = 'models/anchorage-8m';
    const checkpoint = await openCheckpoint(directory);
    const tokenizer = await Tokenizer.open(directory, checkpoint.config.vocabSize);
    await checkpoint.close();
    const own = await readAnchorRule(directory, tokenizer);
    expect(own).toEqual({ token: tokenizer.idOf('<|anchor|>'), min: 128, max: 192 });
    const text = tokenizer.encode('const value = compute(first, second);\n'.repeat(60));
    const read = withAnchors(text, own as NonNullable<typeof own>, lineEnds(tokenizer, checkpoint.config.vocabSize));
    const places = read.flatMap((token, i) => (token === own?.token ? [i] : []));
    expect(places.length).toBeGreaterThan(2);
    expect(places.every((at) => tokenizer.decode([read[at - 1] as number]).includes('\n'))).toBe(true);
  });
});

describe('a damaged rule', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'anchorage-rule-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    [{ anchorage: { anchor_rule: { min: 5, max: 2 } } }, { idOf: () => 1 }, /max/],
    [{ anchorage: { anchor_rule: { min: 2, max: 5 } } }, { idOf: () => undefined }, /<\|anchor\|>/],
  ])('is refused with its field', async (config, tokenizer, message) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    await expect(readAnchorRule(folder, tokenizer)).rejects.toThrow(message);
  });

  it('and a checkpoint without one has none', async () => {
    writeFileSync(join(folder, 'config.json'), '{}');
    expect(await readAnchorRule(folder, { idOf: () => 1 })).toBeUndefined();
    expect(await readAnchorRule('README.md', { idOf: () => 1 })).toBeUndefined();
  });
});

it('beyond the window, anchors stand for what left it, beside the latest rows', async () => {
  const { decoder, rope } = await Tiny.open('llama2', 64);
  const config = { ...decoder.config, maxPositions: 64 };
  const tokens = withAnchors(
    randomTokens(400, config.vocabSize, 3).filter((token) => token !== ANCHOR),
    { token: ANCHOR, min: 16, max: 24 },
    (token) => token % 16 === 0,
  );
  const policy = readingPolicy(config, {
    tokens: tokens.length,
    rowBytes: decoder.rowBytes,
    anchors: { token: ANCHOR, min: 16, max: 24 },
  });
  const context = decoder.newContext(policy, readingRows(policy, tokens.length) + 40, { rope });
  await context.prefill(tokens);
  const { groups, rows } = context.ledger();
  const anchored = groups.find(({ kind }) => kind === 'anchors');
  expect(anchored?.rows).toBe(tokens.filter((token) => token === ANCHOR).length);
  expect(anchored?.tokens).toBeGreaterThan(300);
  // The whole window stays in sight: the cache has as many rows more as closed segments would take away.
  const near = groups.find(({ kind }) => kind === 'window');
  expect(near?.rows).toBeGreaterThan(50);
  expect(rows).toBeLessThan(120);
  await decoder.close();
});
