import { expect, it } from 'vitest';
import { repeats, tellingLines } from '../../../src/search/lexical/repeats';

const ORIGINAL =
  'class Select:\n    keyword = "SELECT"\n    clauses = [From, Where]\n\n    def parse(self):\n        return 1\n';

it('tells a copy with a changed name from a text of its own', () => {
  const copy = tellingLines(ORIGINAL.replace('Select', 'Chosen').replace('class', '# of a dialect\nclass'));
  expect(repeats(tellingLines(ORIGINAL.replace('return 1', 'return 2')), tellingLines(ORIGINAL), 0.75)).toBe(true);
  expect(repeats(copy, tellingLines('def other():\n    raise Unknown("select")\n    return None'), 0.75)).toBe(false);
});

it('ignores short lines and short texts', () => {
  expect(repeats(tellingLines('}\n}\n{\n;'), tellingLines('}\n{\n;'), 0.5)).toBe(false);
  expect(repeats(tellingLines('return value'), tellingLines('return value'), 0.5)).toBe(false);
});
