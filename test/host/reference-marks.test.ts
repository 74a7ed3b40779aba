import { describe, expect, it } from 'vitest';
import { plainQuestion, referencesIn, referenceTo } from '../../src/host/answers/reference-marks';

describe('referencesIn', () => {
  it('finds names after a # that begins a word', () => {
    expect(referencesIn('What is in #src/app.py, and in #docs/ and #"my file.md"?')).toEqual([
      'src/app.py',
      'docs/',
      'my file.md',
    ]);
    expect(referencesIn('#a.ts\n#b.ts')).toEqual(['a.ts', 'b.ts']);
  });

  it('leaves C#, anchors and lone marks alone', () => {
    expect(referencesIn('Is this C#? See guide.md#limits and # and #')).toEqual([]);
  });

  it('finds again what a picker writes', () => {
    for (const path of ['src/app.py', 'with space.md', 'a#b.ts', 'src/net.d/x-y_z.ts'])
      expect(referencesIn(`In ${referenceTo(path)}?`)).toEqual([path]);
  });
});

describe('plainQuestion', () => {
  it('removes the marks of known references only', () => {
    const known = (name: string): boolean => name === 'a.ts' || name === 'b c.md';
    expect(plainQuestion('Is #12 in #a.ts or #"b c.md"?', known)).toBe('Is #12 in a.ts or b c.md?');
  });
});
