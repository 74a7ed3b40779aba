import { expect, it } from 'vitest';
import { languageOf } from '../../src/cli/language';

it.each([
  [{ LANG: 'de_DE.UTF-8' }, 'de'],
  [{ LANG: 'fr' }, 'fr'],
  [{ LANG: 'ja_JP' }, 'ja'],
  [{ LANG: 'zh_CN.UTF-8' }, 'zh-cn'],
  [{ LANG: 'zh_SG.UTF-8' }, 'zh-cn'],
  // Traditional Chinese is another script.
  [{ LANG: 'zh_TW.UTF-8' }, undefined],
  [{ LANG: 'en_GB.UTF-8' }, undefined],
  [{ LANG: 'C.UTF-8' }, undefined],
  [{ LANG: 'POSIX' }, undefined],
  [{}, undefined],
  // LC_ALL goes before LC_MESSAGES, and that before LANG.
  [{ LANG: 'de_DE.UTF-8', LC_MESSAGES: 'es_ES.UTF-8' }, 'es'],
  [{ LANG: 'de_DE.UTF-8', LC_MESSAGES: 'es_ES.UTF-8', LC_ALL: 'C' }, undefined],
  [{ LANG: '../../../etc/passwd' }, undefined],
])('%o asks for %s', (environment, language) => {
  expect(languageOf(environment)).toBe(language);
});
