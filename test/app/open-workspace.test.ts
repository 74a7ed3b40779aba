import { expect, test } from 'vitest';
import { indexSettings } from '../../src/app/open-workspace';
import { SETTINGS } from '../worker/harness';

test('what widens the index reaches it only when it is set', () => {
  const { filesExclude, maxFileBytes } = SETTINGS;
  expect(indexSettings(SETTINGS)).toEqual({ filesExclude, maxFileBytes });
  const wide = { secrets: true, followLinks: true };
  expect(indexSettings({ ...SETTINGS, ...wide })).toEqual({ filesExclude, maxFileBytes, ...wide });
});
