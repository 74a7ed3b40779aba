import { expect, it } from 'vitest';
import { LineTable } from '../../../src/base';
import { endOfStatement } from '../../../src/workspace/segments/statements';

const endOf = (...lines: string[]): number => endOfStatement(new LineTable(lines.join('\n')), 0, 'function') + 1;

it('ends a statement at its semicolon, and a body at its END', () => {
  expect(endOf('create function a() returns int', '  return 1;', 'select 2;')).toBe(2);
  expect(endOf('create procedure a is', '  x int;', 'begin', '  if x then', '  y;', '  end if;', 'end;', 'z;')).toBe(7);
  expect(endOf('create function a() as $$', 'begin', '  b;', 'end;', '$$ language plpgsql;', 'c;')).toBe(5);
});

it('ends a statement without a semicolon at a separator, or at the next statement', () => {
  expect(endOf('create proc a as', '  select 1;', 'go', 'select 2;')).toBe(2);
  expect(endOf('create function a(', '  b int', ')', 'create function c()')).toBe(3);
});
