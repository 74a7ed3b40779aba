import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIndex } from '../../../src/workspace/sources/git-index';

describe('readIndex', () => {
  it('reads nothing from bytes that are no index', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { files } = readIndex(Buffer.concat([Buffer.from('DIRC'), Buffer.from(bytes)]));
        expect(files.size).toBeLessThan(50);
      }),
    );
    expect(readIndex(Buffer.from('no index')).files.size).toBe(0);
  });
});
