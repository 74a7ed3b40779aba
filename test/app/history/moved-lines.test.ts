import { describe, expect, it } from 'vitest';
import { committedLines, hunksOf } from '../../../src/app/history/moved-lines';

const at = (startLine: number, endLine = startLine) => ({ startLine, endLine });

describe('committedLines', () => {
  it('keeps lines of an unchanged file', () => {
    expect(committedLines(at(3, 7), [])).toEqual(at(3, 7));
  });

  it('shifts lines below added and removed ones', () => {
    const hunks = hunksOf('@@ -0,0 +1,2 @@\n+a\n+b\n@@ -10,3 +11,0 @@\n-x\n-y\n-z\n');
    expect(committedLines(at(3), hunks)).toEqual(at(1));
    expect(committedLines(at(11), hunks)).toEqual(at(9));
    expect(committedLines(at(12), hunks)).toEqual(at(13));
  });

  it('maps a changed line to the line before the change', () => {
    expect(committedLines(at(5), hunksOf('@@ -5 +5 @@ def f\n-old\n+new\n'))).toEqual(at(5));
  });

  it('has no place for new lines, and the rest of a range with some', () => {
    const hunks = hunksOf('@@ -4,0 +5,3 @@\n+a\n+b\n+c\n');
    expect(committedLines(at(5, 7), hunks)).toBeUndefined();
    expect(committedLines(at(4, 8), hunks)).toEqual(at(4, 5));
  });
});
