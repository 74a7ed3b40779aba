import { expect, it } from 'vitest';
import {
  bundleFile,
  differences,
  LANGUAGES,
  manifestFile,
  readTexts,
  textsOfSources,
} from '../../scripts/lib/texts.mjs';

it('lists the texts of the code as they are', () => {
  // On a fault: npm run l10n
  expect(readTexts(bundleFile())).toEqual(textsOfSources());
});

it.each(LANGUAGES)('translates every text into %s, with its placeholders, code and links', (language) => {
  expect(differences(readTexts(bundleFile()), readTexts(bundleFile(language)))).toEqual([]);
  expect(differences(readTexts(manifestFile()), readTexts(manifestFile(language)))).toEqual([]);
});

it('names missing, changed and unused texts', () => {
  const wanted = { 'Use {0}': 'Use {0}', 'Run `x`': 'Run `x`', Stop: 'Stop' };
  expect(differences(wanted, { 'Use {0}': 'Verwenden', 'Run `x`': '`y` ausführen', Old: 'Alt' })).toEqual([
    '“Use {0}” has other placeholders: “Verwenden”',
    '“Run `x`” has other code or links: “`y` ausführen”',
    '“Stop” is not translated',
    '“Old” is not used',
  ]);
  expect(differences(wanted, { 'Use {0}': '{0} verwenden', 'Run `x`': '`x` ausführen', Stop: 'Stopp' })).toEqual([]);
});
