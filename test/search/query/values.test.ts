import { describe, expect, it } from 'vitest';
import { asksForValue, givesNumber } from '../../../src/search/query/values';

describe('values', () => {
  it.each(['how many letters fit?', 'which port is used?', 'wie lange wird gewartet?', 'сколько дней?', '多久过期？'])(
    'are asked for by "%s"',
    (question) => expect(asksForValue(question)).toBe(true),
  );

  it('are not asked for by a question for a way', () => {
    expect(asksForValue('how are letters sorted?')).toBe(false);
  });

  it('are numbers in figures and words, but no numbers of items', () => {
    expect(givesNumber('It waits for 30 days.')).toBe(true);
    expect(givesNumber('It waits three times.')).toBe(true);
    expect(givesNumber('2. Open the drawer.')).toBe(false);
  });
});
