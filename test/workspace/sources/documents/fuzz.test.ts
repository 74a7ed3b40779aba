/** A sample of damaged and random documents; fuzz.long.test.ts runs many more. */
import { expect, test } from 'vitest';
import { fuzz, fuzzedExtractors } from './fuzz';

test.each(fuzzedExtractors())('$name gives text or a typed error, whatever the bytes', async (extractor) => {
  expect(await fuzz(extractor, 200, 1)).toBeGreaterThan(0);
});
