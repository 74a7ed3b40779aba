/**
 * `npm run l10n`: lists the texts of src/ that are translated in l10n/bundle.l10n.json, and says which translations
 * are missing or no longer used. `test/scripts/l10n.test.ts` fails on both.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './lib/install.mjs';
import { bundleFile, differences, LANGUAGES, manifestFile, readTexts, textsOfSources } from './lib/texts.mjs';

const texts = textsOfSources();
writeFileSync(path.join(root, bundleFile()), `${JSON.stringify(texts, null, 2)}\n`);
console.log(`${Object.keys(texts).length} texts in ${bundleFile()}.`);

const manifest = JSON.parse(readFileSync(path.join(root, manifestFile()), 'utf8'));
for (const language of LANGUAGES) {
  for (const [file, wanted] of [
    [bundleFile(language), texts],
    [manifestFile(language), manifest],
  ]) {
    const faults = differences(wanted, readTexts(file));
    if (faults.length > 0) process.exitCode = 1;
    for (const fault of faults) console.error(`${file}: ${fault}`);
  }
}
