import { expect, it } from 'vitest';
import { glibcTrouble } from '../../src/inference/glibc';

it.each([
  ['2.28', undefined],
  ['2.39', undefined],
  ['3.0', undefined],
  ['2.27', 'Models need glibc 2.28 or later; this system has 2.27.'],
  ['2.9', 'Models need glibc 2.28 or later; this system has 2.9.'],
  [undefined, 'Models need glibc, which this system does not have. Install the package for Alpine.'],
])('on Linux with glibc %s it says %s', (glibc, trouble) => {
  expect(glibcTrouble({ platform: 'linux', glibc })).toBe(trouble);
});

it('other systems have their own libraries, and this one can load the runtime', () => {
  expect(glibcTrouble({ platform: 'darwin', glibc: undefined })).toBeUndefined();
  expect(glibcTrouble({ platform: 'win32', glibc: undefined })).toBeUndefined();
  expect(glibcTrouble()).toBeUndefined();
});
