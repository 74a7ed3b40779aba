import { expect, test } from 'vitest';
import { chooseUnits, unitOf } from '../../../src/assistant/write/units';
import { draftWriter } from './draft-writer';

const COST = 100;
const UNITS = Array.from({ length: 6 }, (_, i) =>
  unitOf({ file: `/w/${i}.md`, path: `${i}.md`, startLine: 1, endLine: 1 }, [`text ${i}`], `${i}.md`),
);

/** Paths of the units that are read at 100 tokens a second, best last. */
async function chosen(held: readonly boolean[]): Promise<readonly string[]> {
  const writer = {
    ...draftWriter(''),
    countChats: async (chats: readonly unknown[]) => chats.map((_, i) => (i === 0 ? 0 : COST)),
    readiness: async () => ({ tokensPerSecond: 100, held }),
  };
  const { units } = await chooseUnits(UNITS, writer as never, () => [], 10_000);
  return units.map(({ path }) => path);
}

test('a first question reads what takes a few seconds', async () => {
  expect(await chosen(UNITS.map(() => false))).toEqual(['1.md', '0.md']);
});

test('the same question again reads nothing new', async () => {
  expect(await chosen([true, true, false, false, false, false])).toEqual(['1.md', '0.md']);
});

test('all units whose rows are kept are used', async () => {
  expect(await chosen([false, true, true, true, true, true])).toHaveLength(6);
});
