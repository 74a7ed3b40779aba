/** Texts that are not UTF-8, and files that are no text. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Search } from '../../../../src/search';
import { Workspace, type WorkspaceFolder } from '../../../../src/workspace';
import { createSegmenter } from '../../../../src/workspace/segments/segmenter';
import { binaryContent, hasBinaryName } from '../../../../src/workspace/sources/binary';
import { labelOfSetting } from '../../../../src/workspace/sources/extractors/encoding';
import { decodeText } from '../../../../src/workspace/sources/extractors/text';

const CASES = `${process.cwd()}/../shared/cases`;
const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** Bytes were written by the encoders of Python 3.11. */
const TEXTS: readonly (readonly [name: string, text: string, bytes: Buffer])[] = [
  [
    'shift_jis',
    '納期を計算する関数です。在庫がない場合は、次の入荷日を返します。',
    hex(
      '945b8afa82f08c768e5a82b782e98ad6909482c582b781428ddd8cc982aa82c882a28fea8d8782cd81418e9f82cc93fc89d793fa82f095d482b582dc82b78142',
    ),
  ],
  [
    'euc-jp',
    '納期を計算する関数です。在庫がない場合は、次の入荷日を返します。',
    hex(
      'c7bcb4fca4f2b7d7bbbba4b9a4ebb4d8bff4a4c7a4b9a1a3badfb8cba4aca4caa4a4beecb9e7a4cfa1a2bca1a4cec6feb2d9c6fca4f2cad6a4b7a4dea4b9a1a3',
    ),
  ],
  [
    'gb18030',
    '安全库存是怎么计算的？这个函数返回最低数量。',
    hex('b0b2c8abbfe2b4e6cac7d4f5c3b4bcc6cbe3b5c4a3bfd5e2b8f6baafcafdb7b5bbd8d7eeb5cdcafdc1bfa1a3'),
  ],
  [
    'big5',
    '安全庫存是怎麼計算的？這個函數返回最低數量。',
    hex('a677a5feae77a673ac4fabe7bbf2ad70bae2aabaa148b36fadd3a8e7bcc6aaf0a65eb3cca743bcc6b671a143'),
  ],
  [
    'euc-kr',
    '재고를 계산하는 함수입니다. 값이 없으면 오류를 반환합니다.',
    hex(
      'c0e7b0edb8a620b0e8bbeac7cfb4c220c7d4bcf6c0d4b4cfb4d92e20b0aac0cc20bef8c0b8b8e920bfc0b7f9b8a620b9ddc8afc7d5b4cfb4d92e',
    ),
  ],
  [
    'koi8-r',
    'Вычисляет стоимость доставки для клиента.',
    hex('f7d9dec9d3ccd1c5d420d3d4cfc9cdcfd3d4d820c4cfd3d4c1d7cbc920c4ccd120cbccc9c5ced4c12e'),
  ],
  [
    'windows-1251',
    'Вычисляет стоимость доставки для клиента.',
    hex('c2fbf7e8f1ebffe5f220f1f2eee8eceef1f2fc20e4eef1f2e0e2eae820e4ebff20eaebe8e5edf2e02e'),
  ],
  [
    'windows-1252',
    'Berechnet die Gebühr für Übergrößen.',
    hex('4265726563686e65742064696520476562fc68722066fc7220dc6265726772f6df656e2e'),
  ],
  [
    'windows-1252',
    'Le prix est calculé à partir du côté élevé, où ça dépend de l’été.',
    hex(
      '4c652070726978206573742063616c63756ce920e0207061727469722064752063f474e920e96c6576e92c206ff920e7612064e970656e64206465206c92e974e92e',
    ),
  ],
  [
    'windows-1252',
    'La función devuelve el número de días hábiles.',
    hex('4c612066756e6369f36e2064657675656c766520656c206efa6d65726f2064652064ed61732068e162696c65732e'),
  ],
  ['iso-2022-jp', '納期を計算する関数です。', hex('1b2442473c347c247237573b3b2439246b34583f742447243921231b2842')],
];

describe('texts in older encodings', () => {
  it.each(TEXTS)('%s is detected: %s', (name, text, bytes) => {
    const decoded = decodeText(bytes);
    expect(decoded.text).toBe(text);
    expect(decoded.encoding?.name ?? 'utf-8').toBe(name);
    expect(decoded.replaced).toBe(false);
  });

  it('are read in the likeliest one and said to be unsure where a few bytes leave it open', () => {
    expect(decodeText(hex('2f2f20e7'))).toMatchObject({ encoding: { sure: false } });
  });

  it("are read in the editor's encoding where the bytes are valid in it, and unsure no more", () => {
    const bytes = hex('2f2f20e7');
    expect(decodeText(bytes, 'windows1251')).toMatchObject({
      text: '// з',
      encoding: { name: 'windows-1251', sure: true },
    });
    expect(decodeText(bytes, 'iso88591')).toMatchObject({ text: '// ç', encoding: { name: 'windows-1252' } });
    // Invalid as Shift-JIS: detection decides.
    expect(decodeText(bytes, 'shiftjis')).toMatchObject({ encoding: { sure: false } });
    expect(decodeText(Buffer.from('Größe'), 'windows1251').text).toBe('Größe');
  });

  it('have a label for each encoding of the editor that can be decoded', () => {
    const known =
      'windows1252 iso88591 iso885915 koi8r koi8u shiftjis eucjp euckr gbk gb18030 gb2312 big5hkscs cp866 macroman';
    expect(known.split(' ').filter((name) => labelOfSetting(name) === undefined)).toEqual([]);
    expect(['utf8', 'utf8bom', 'cp437'].map(labelOfSetting)).toEqual([undefined, undefined, undefined]);
  });

  it('keep their bytes visible where UTF-8 is damaged', () => {
    const bytes = Buffer.concat([Buffer.from('Größe für Übergröße: '), hex('ff')]);
    expect(decodeText(bytes)).toEqual({ text: 'Größe für Übergröße: \uFFFD', replaced: true });
  });

  it('UTF-16 without a mark is text, and other bytes with NUL are not', () => {
    const text = 'const rate = 4;\nexport default rate;\n';
    const little = Buffer.from(text, 'utf16le');
    expect(decodeText(little).text).toBe(text);
    expect(decodeText(Buffer.from(little).swap16()).text).toBe(text);
    const noise = Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * i * 31 + (i >> 3)) & 0xff));
    expect(() => decodeText(noise)).toThrow(expect.objectContaining({ code: 'binary' }));
    expect(() => decodeText(Buffer.from('a\0b\0\0\0c'))).toThrow(expect.objectContaining({ code: 'binary' }));
  });

  it.each([
    'Größe: 4 µm',
    'Вычисляет стоимость доставки.',
    '納期を計算する関数です。',
    '安全库存是怎么计算的？',
    'Wetter: 😀 😀 😀',
  ])('UTF-16 is read in either order, with a mark and without: %s', (said) => {
    const text = `${said}\n${said}\n`;
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    for (const bytes of [little, big, Buffer.concat([hex('fffe'), little]), Buffer.concat([hex('feff'), big])])
      expect(decodeText(bytes)).toMatchObject({ text, replaced: false });
  });

  it.skipIf(!existsSync(CASES))('of sources are legible', () => {
    const read = (name: string): string => decodeText(readFileSync(join(CASES, '02-legacy-8bit/files', name))).text;
    expect(read('preis.c')).toContain('Berechnet die Gebühr für Übergrößen.');
    expect(read('kucun.c')).toContain('计算仓库的安全库存');
    expect(read('nouki.c')).toContain('納期を計算する');
  });
});

describe("the editor's encoding of a folder", () => {
  const root = mkdtempSync(join(tmpdir(), 'anchorage-encoding-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is that of its texts, at once when the setting changes', async () => {
    const file = join(root, 'a.txt');
    writeFileSync(file, hex('e4eeec')); // «дом» in windows-1251, "äîì" in windows-1252
    const folders = (encoding: string): WorkspaceFolder[] => [{ name: 'office', directory: root, encoding }];
    const workspace = await Workspace.open({
      folders: folders('windows1252'),
      storageDirectory: join(root, '.store'),
      settings: { filesExclude: ['.store'], maxFileBytes: 1_000 },
      threads: 0,
    });
    const search = new Search({ workspace });
    const found = async (word: string): Promise<string[]> =>
      (await search.search(word, { scope: { kind: 'workspace' }, limit: 5 })).spans.map(({ text }) => text.trim());
    await workspace.start();
    expect(await found('äîì')).toEqual(['äîì']);
    await workspace.setFolders(folders('windows1251'));
    await found('дом');
    expect(await found('дом')).toEqual(['дом']);
    expect((await workspace.read(file)).text).toBe('дом');
    await workspace.close();
  });
});

describe('a file is binary by its content', () => {
  it('whatever its name says', () => {
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-binary-'));
    try {
      const file = (name: string, bytes: Uint8Array | string): string => {
        writeFileSync(join(directory, name), bytes);
        return join(directory, name);
      };
      expect(hasBinaryName('Pump.mo')).toBe(true);
      expect(binaryContent(file('Pump.mo', 'model Pump\n  Real flow;\nend Pump;\n'))).toBeUndefined();
      expect(binaryContent(file('wide.dat', `${'x'.repeat(8_190)}ééé`))).toBeUndefined();
      expect(binaryContent(file('a.mo', hex('de120495 00000000 01000000')))).toContain('NUL');
      expect(binaryContent(file('a.dat', hex('1f8b0808')))).toBe('is in a binary format');
      expect(binaryContent(file('empty.bin', ''))).toBeUndefined();
      expect(binaryContent(file('a.pdf', '%PDF-1.7\n\0'))).toBeUndefined();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it.skipIf(!existsSync(CASES))('in Modelica, Pkl, tables, SPICE and G-code', () => {
    const folder = join(CASES, '11-text-with-binary-name/files');
    const names = readdirSync(folder);
    expect(names.length).toBe(5);
    for (const name of names) expect([name, binaryContent(join(folder, name))]).toEqual([name, undefined]);
  });
});

describe('a program with one very long line', () => {
  it.skipIf(!existsSync(CASES))('keeps its definitions', async () => {
    const segmenter = await createSegmenter();
    const symbols = async (name: string, language: string): Promise<string[]> => {
      const text = readFileSync(join(CASES, '10-one-long-line/files', name), 'utf8');
      const { symbols: found } = await segmenter.segment({ path: name, language, text });
      return found.map((symbol) => symbol.name);
    };
    expect(await symbols('tray.py', 'python')).toEqual(expect.arrayContaining(['icon_bytes', 'set_badge']));
    expect(await symbols('fixture.ts', 'typescript')).toContain('countRows');
    segmenter.close();
  });

  it('and a minified one is cut by length', async () => {
    const segmenter = await createSegmenter();
    const text = `/* licence */\n${'function a(){return 1};'.repeat(3_000)}\n`;
    expect((await segmenter.segment({ path: 'a.min.js', language: 'javascript', text })).method).toBe('length');
    segmenter.close();
  });
});
