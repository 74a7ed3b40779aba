/** 100,000 damaged and random documents for each extractor. */
import { expect, test } from 'vitest';
import { fuzz, fuzzedExtractors } from './fuzz';

test.each(fuzzedExtractors())(
  '$name gives text or a typed error, whatever the bytes',
  async (extractor) => {
    expect(await fuzz(extractor, 100_000, 1_000)).toBeGreaterThan(0);
  },
  3_600_000,
);
