import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundledPackages, formatNotices, modelNotice, packageNotice } from '../../scripts/lib/notices.mjs';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-notices-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

const manifest = (name: string): string =>
  JSON.stringify({ name, version: '1.2.3', license: 'MIT', homepage: `https://example.com/${name}`, main: 'index.js' });

describe('bundledPackages', () => {
  it('finds every package with code in a bundle, nested and scoped ones too, but no tree-shaken one', async () => {
    write({
      'entry.js':
        "import { a } from 'outer'; import { b } from '@scope/used'; import { c } from 'unused'; console.log(a, b);",
      'node_modules/outer/package.json': manifest('outer'),
      'node_modules/outer/index.js': "export { a } from 'inner';\nexport const z = 1;\nconsole.log('outer');",
      'node_modules/outer/node_modules/inner/package.json': manifest('inner'),
      'node_modules/outer/node_modules/inner/index.js': 'export const a = [1];',
      'node_modules/@scope/used/package.json': manifest('@scope/used'),
      'node_modules/@scope/used/index.js': 'export const b = [2];',
      'node_modules/unused/package.json': manifest('unused'),
      'node_modules/unused/index.js': 'export const c = 3;',
    });
    const { metafile } = await build({
      absWorkingDir: directory,
      entryPoints: ['entry.js'],
      bundle: true,
      write: false,
      outdir: 'out',
      metafile: true,
    });
    const folders = ['@scope/used', 'outer', 'outer/node_modules/inner'].map((name) => join('node_modules', name));
    expect(bundledPackages([metafile], directory)).toEqual(folders.map((folder) => join(directory, folder)));
  });
});

describe('packageNotice', () => {
  it('takes the licence and the notices of the package', () => {
    write({
      'node_modules/one/package.json': manifest('one'),
      'node_modules/one/LICENSE-MIT.txt': 'Copyright One\n',
      'node_modules/one/thirdpartynotices.txt': 'Uses Two',
      'node_modules/one/licence/notes.md': 'not a text',
    });
    expect(packageNotice(join(directory, 'node_modules/one'), directory)).toEqual({
      name: 'one',
      version: '1.2.3',
      licence: 'MIT',
      url: 'https://example.com/one',
      texts: ['Copyright One', 'Uses Two'],
    });
  });

  it('takes a supplied text if the package has none', () => {
    write({ 'node_modules/rt/package.json': manifest('onnxruntime-node'), 'onnxruntime.txt': 'Copyright Runtime' });
    expect(packageNotice(join(directory, 'node_modules/rt'), directory).texts).toEqual(['Copyright Runtime']);
  });

  it('fails without any licence text, and says what to do', () => {
    write({ 'node_modules/bare/package.json': manifest('bare'), 'node_modules/bare/NOTICE': 'Uses Two' });
    expect(() => packageNotice(join(directory, 'node_modules/bare'), directory)).toThrow(
      /^bare 1\.2\.3 is shipped without its licence text \(MIT\)\. Put the text into scripts\/licences/,
    );
  });
});

describe('modelNotice', () => {
  it("gives the project's licence to its own models, and the text of a file to others", () => {
    write({
      'models/own/MODEL_CARD.md': '| licence | MIT, as the repository |\n',
      'models/tuned/MODEL_CARD.md': '| licence | Apache-2.0 |\n',
      'models/tuned/LICENSE': 'Apache text',
      'models/tuned/NOTICE': 'Trained from Base',
    });
    expect(modelNotice(join(directory, 'models/own'), 'Our licence')).toMatchObject({ texts: ['Our licence'] });
    expect(modelNotice(join(directory, 'models/tuned'), 'Our licence')).toMatchObject({
      name: 'models/tuned',
      licence: 'Apache-2.0',
      texts: ['Apache text', 'Trained from Base'],
    });
  });

  it('fails for weights without a licence', () => {
    write({ 'models/found/MODEL_CARD.md': '| licence | Apache-2.0 |\n', 'models/none/config.json': '{}' });
    expect(() => modelNotice(join(directory, 'models/found'), 'Our licence')).toThrow('models/found is shipped');
    expect(() => modelNotice(join(directory, 'models/none'), 'Our licence')).toThrow('Put a LICENSE file beside');
  });
});

describe('formatNotices', () => {
  it('lists all by name, then shows each with its full texts', () => {
    const notice = (name: string): Parameters<typeof formatNotices>[0][number] => ({
      name,
      version: '1.0.0',
      licence: 'MIT',
      url: `https://example.com/${name}`,
      texts: [`Licence of ${name}`, `Notice of ${name}`],
    });
    const text = formatNotices([{ ...notice('zebra'), contents: 'stripes.ttf' }, notice('aardvark')]);
    expect(text).toContain('\n- aardvark 1.0.0 (MIT)\n- zebra 1.0.0 (MIT)\n');
    expect(text).toMatch(/=\nzebra 1\.0\.0 \(MIT\)\nstripes\.ttf\nhttps:\/\/example\.com\/zebra\n=/);
    for (const part of ['Licence of aardvark', 'Notice of aardvark', 'Licence of zebra']) expect(text).toContain(part);
    expect(text.indexOf('Licence of aardvark')).toBeLessThan(text.indexOf('Licence of zebra'));
  });
});
