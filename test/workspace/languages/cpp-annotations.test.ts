import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toDocument } from '../../../src/workspace/sources/read';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import { withoutAnnotations } from '../../../src/workspace/languages/cpp-annotations';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

async function labels(text: string): Promise<string[]> {
  const { symbols } = await segmenter.segment(toDocument('/w/store.h', 'store.h', text));
  return symbols.map(({ kind, container, name }) => `${kind} ${[...container, name].join('.')}`);
}

const HEADER = `#define STORE_EXPORT __attribute__((visibility("default")))
namespace store {
struct STORE_EXPORT Options {
  int limit = 3;
};
class STORE_EXPORT Store {
 public:
  void Close() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int Count(int of) { return count_; }
 private:
  int count_ GUARDED_BY(mutex_);
  std::queue<std::function<void()>> work_
      GUARDED_BY(mutex_);
};
class Other {
 public:
  int Size() { return 1; }
};
}  // namespace store
`;

describe('annotations in C++', () => {
  it('do not misplace definitions: each is in its own class', async () => {
    expect(await labels(HEADER)).toEqual(
      expect.arrayContaining([
        'struct store.Options',
        'class store.Store',
        'method store.Store.Count',
        'field store.Store.count_',
        'class store.Other',
        'method store.Other.Size',
      ]),
    );
  });

  it('are blanked in place; preprocessor lines and everything else stay', () => {
    const blank = withoutAnnotations(HEADER);
    expect(blank.split('\n').map((line) => line.length)).toEqual(HEADER.split('\n').map((line) => line.length));
    expect(blank.split('\n')[0]).toBe(HEADER.split('\n')[0]);
    expect(blank).not.toMatch(/GUARDED_BY|struct STORE_EXPORT/);
    for (const plain of ['int MAX_SIZE = LIMIT(3);\nvoid RUN(int a) { return; }\n', 'class API_CLIENT {};\n'])
      expect(withoutAnnotations(plain)).toBe(plain);
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => withoutAnnotations(text).length === text.length));
  });
});
