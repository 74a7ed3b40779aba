import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { sharedData } from '../shared-data';
import { run } from '../bench/ablation';
import { effectOf, sentencesOf, type Outcome } from '../bench/ablation/outcome';

const cases = (right: number, of: number): number[] => Array.from({ length: of }, (_, i) => (i < right ? 1 : 0));
const outcome = (given: Partial<Outcome>): Outcome => ({
  system: 'DCIS',
  removed: 'nothing instead',
  shown: 'answers',
  subject: 'a test',
  with: [],
  without: [],
  ...given,
});

it('shows a system if the interval of its difference leaves out zero', () => {
  const large = effectOf(outcome({ with: cases(18, 20), without: cases(4, 20) }));
  expect(large.difference).toBeCloseTo(0.7);
  expect(large.low).toBeGreaterThan(0.3);
  expect(large.shows).toBe(true);
  expect(effectOf(outcome({ with: cases(10, 20), without: cases(9, 20) })).shows).toBe(false);
  expect(effectOf(outcome({})).shows).toBe(false);
});

it('says of each system what its removal changes, for better or worse, or nothing', () => {
  const text = sentencesOf(
    [
      outcome({ system: 'LM-Infinite', with: cases(18, 20), without: cases(4, 20), shown: 'needles told' }),
      outcome({ system: 'DCIS', with: cases(4, 20), without: cases(18, 20), shown: 'words right' }),
      outcome({ system: 'UIO-LLMs', with: cases(5, 20), without: cases(5, 20) }),
      outcome({ system: 'AnLLM' }),
      outcome({ system: 'LongLoRA', with: cases(6, 10), without: cases(5, 10) }),
    ].map(effectOf),
  );
  expect(text).toContain('less is shown without LM-Infinite: 20% of needles told, not 90%');
  expect(text).toContain('More is shown without DCIS: 90% of words right, not 20%');
  expect(text).toContain('Removing AnLLM or UIO-LLMs changes nothing shown');
  expect(text).toContain('Too few cases decide about LongLoRA: 50% of answers, not 60%');
  expect(sentencesOf([effectOf(outcome({}))])).toContain('Not measured: LM-Infinite, LongLoRA, AnLLM, UIO-LLMs.');
});

it('README says what the saved run says', () => {
  const saved = readFileSync('docs/results/runs/ablation.md', 'utf8');
  const [, told] = /^README: (.+)$/m.exec(saved) ?? [];
  expect(told).toBeDefined();
  const readme = readFileSync('README.md', 'utf8').replace(/\s+/g, ' ');
  expect(readme).toContain(told);
});

it.skipIf(!sharedData('checkpoints/stories260K'))(
  'a sample measures the systems that need no model',
  { timeout: 300_000 },
  async () => {
    const lines: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    const rows = vi.spyOn(console, 'table').mockImplementation(() => undefined);
    await run(['--sample', '--threads', '1']);
    const table = rows.mock.calls.at(-1)?.[0] as Record<string, unknown>[];
    vi.restoreAllMocks();
    expect(new Set(table.map(({ system }) => system))).toEqual(new Set(['LM-Infinite', 'DCIS', 'AnLLM', 'UIO-LLMs']));
    expect(table.find(({ system }) => system === 'LM-Infinite')).toMatchObject({ shows: 'yes' });
    expect(lines.at(-1)).toMatch(/^README: The engine implements/);
    expect(log).toBeDefined();
  },
);
