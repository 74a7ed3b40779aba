import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/engine';
import { Fields, parseJson, repeatedKey } from '../../../src/engine/checkpoint/json';
import { sharedData } from '../../shared-data';

describe('JSON of a checkpoint', () => {
  it('may have NaN and Infinity in fields that nobody reads, and not in others', () => {
    const json = parseJson(
      '{"note":"NaN, -Infinity \\" NaN","unused":NaN,"low":-Infinity,"size":Infinity,"n":3}',
      'c.json',
    );
    const fields = new Fields(json, 'c.json');
    expect(fields.string('note')).toBe('NaN, -Infinity " NaN');
    expect(fields.integer('n', 0, 9)).toBe(3);
    expect(() => fields.number('size', 0, 9)).toThrow(expect.objectContaining({ code: 'malformed', field: 'size' }));
    expect(() => parseJson('{"a":Nan}', 'c.json')).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('is known to have a key twice, at any depth, however it is written', () => {
    for (const text of ['{"a":1,"a":2}', '{"x":{"b":1,"\\u0062":2}}', '[{"c":[{}],"c":0}]'])
      expect(repeatedKey(text), text).toMatch(/^[abc]$/);
    for (const text of ['{"a":"a","b":{"a":1}}', '[{"a":1},{"a":2}]', '{"a":"{\\"a\\":1,\\"a\\":2}"}', '{}'])
      expect(repeatedKey(text), text).toBeUndefined();
  });
});

const padded = sharedData('../cases/22-pad-token-beyond-rows/files/model');
it.skipIf(!padded)('a padding token without a row does not stop a model from loading', async () => {
  const checkpoint = await openCheckpoint(padded ?? '');
  const tokenizer = await checkpoint.openTokenizer();
  expect(tokenizer.encode('hello').every((id) => id < checkpoint.config.vocabSize)).toBe(true);
  await checkpoint.close();
});
