import fc from 'fast-check';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { distinctNames } from '../../src/host/folder-names';

const named = (...directories: string[]): string[] =>
  distinctNames(directories.map((directory) => ({ name: path.basename(directory), directory })));

describe('distinctNames', () => {
  it('keeps names that occur once', () => {
    expect(named('/w/client', '/w/server')).toEqual(['client', 'server']);
  });

  it('adds the parent folder only to names that occur twice', () => {
    expect(named('/w/client/app', '/w/server/app', '/w/docs')).toEqual(['app (client)', 'app (server)', 'docs']);
  });

  it('adds more parent folders if one is not enough', () => {
    expect(named('/a/x/app', '/b/x/app', '/b/y/app')).toEqual(['app (a-x)', 'app (b-x)', 'app (y)']);
  });

  it('does not depend on the order of the folders', () => {
    expect(named('/w/server/app', '/w/client/app')).toEqual(['app (server)', 'app (client)']);
  });

  it('gives any folders distinct names without a slash', () => {
    const segment = fc.constantFrom('app', 'app (a)', 'a', 'b', 'ä b');
    const directory = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
    fc.assert(
      fc.property(
        fc.uniqueArray(directory, { maxLength: 8 }),
        fc.array(fc.constantFrom('app', 'own/name', ''), { maxLength: 8 }),
        (directories, given) => {
          const names = distinctNames(
            directories.map((each, index) => ({ name: given[index] || path.basename(each), directory: each })),
          );
          expect(new Set(names).size).toBe(directories.length);
          expect(names.some((name) => name.includes('/'))).toBe(false);
        },
      ),
    );
  });
});
