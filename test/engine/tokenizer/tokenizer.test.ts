import fc from 'fast-check';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../../src/engine/tokenizer/tokenizer';
import { withTimeLimit } from '../../../src/engine/tokenizer/time-limit';
import { fixture, readJsonFixture } from '../../fixtures';
import { sharedData } from '../../shared-data';

const smol = () => Tokenizer.open(fixture('checkpoints/smollm2'), 320);

describe('a tokenizer', () => {
  it('gives the ids of the reference library', async () => {
    const tokenizer = await smol();
    expect(tokenizer.size).toBe(320);
    for (const { text, ids } of readJsonFixture<{ text: string; ids: number[] }[]>(
      'checkpoints/smollm2/tokenizer-reference.json',
    )) {
      expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids);
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text);
    }
    expect(tokenizer.idOf('<|im_end|>')).toBe(2);
    expect(tokenizer.isSpecial(2)).toBe(true);
    expect(tokenizer.namedToken('eos_token')).toBe('<|im_end|>');
    expect(tokenizer.decode([1, 2])).toBe('');
    expect(tokenizer.decode([319, 100_000])).toBe(tokenizer.decode([319]));
  });

  const shared = sharedData('tokenizers/llamacpp-fixtures.json');
  it.skipIf(!shared).each([
    ['llama.cpp/gpt-2', 'gpt2', 50257],
    ['llama.cpp/qwen2', 'qwen2.5', 151936],
  ])('%s agrees with the official ids', async (key, folder, vocab) => {
    const tokenizer = await Tokenizer.open(sharedData(`tokenizers/${folder}`) as string, vocab);
    const fixtures = JSON.parse(readFileSync(shared as string, 'utf8')) as Record<
      string,
      { cases: { text: string; ids: number[] }[] }
    >;
    const cases = fixtures[key]?.cases ?? [];
    expect(cases.length).toBeGreaterThan(40);
    for (const { text, ids } of cases) expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids);
  });

  it('streams the complete text without splitting a character', async () => {
    const tokenizer = await smol();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        const stream = tokenizer.stream({ skipSpecialTokens: false });
        const pieces = ids.map((id) => stream.push(id));
        for (const piece of pieces) {
          if (!text.includes('\uFFFD')) expect(piece).not.toContain('\uFFFD');
          expect(piece).not.toMatch(/\p{Surrogate}/u);
        }
        expect(pieces.join('') + stream.end()).toBe(tokenizer.decode(ids, { skipSpecialTokens: false }));
      }),
      { numRuns: 300 },
    );
  });

  it('streams leading spaces and byte tokens of a SentencePiece vocabulary like the decoded text', () => {
    const pieces = ['<unk>', '<s>', '</s>', '▁', '▁Hello', '▁world', '!', 'a', '<0xE4>', '<0xB8>', '<0x96>'];
    const tokenizer = Tokenizer.fromJson(
      {
        added_tokens: pieces.slice(0, 3).map((content, id) => ({ id, content, special: true })),
        normalizer: {
          type: 'Sequence',
          normalizers: [
            { type: 'Prepend', prepend: '▁' },
            { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
          ],
        },
        pre_tokenizer: null,
        post_processor: null,
        decoder: {
          type: 'Sequence',
          decoders: [
            { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
            { type: 'ByteFallback' },
            { type: 'Fuse' },
            { type: 'Strip', content: ' ', start: 1, stop: 0 },
          ],
        },
        model: {
          type: 'BPE',
          unk_token: '<unk>',
          byte_fallback: true,
          fuse_unk: true,
          vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
          merges: [],
        },
      },
      {},
      'tokenizer.json',
      16,
    );
    const ids = [1, 4, 5, 6, 8, 9, 10, 5, 8, 9, 7, 5];
    const stream = tokenizer.stream();
    const streamed = ids.map((id) => stream.push(id));
    expect(streamed.slice(0, 7)).toEqual(['', 'Hello', ' world', '!', '', '', '世']);
    expect(streamed.join('') + stream.end()).toBe(tokenizer.decode(ids));
    expect(tokenizer.decode(ids)).toBe('Hello world!世 world\uFFFDa world');
  });

  describe('is refused when', () => {
    let json: Record<string, unknown>;
    beforeAll(() => {
      json = readJsonFixture('checkpoints/smollm2/tokenizer.json');
    });
    const build =
      (
        change: (copy: { model: Record<string, unknown>; added_tokens: unknown[] } & Record<string, unknown>) => void,
        vocab = 320,
      ) =>
      () => {
        const copy = structuredClone(json) as Parameters<typeof change>[0];
        change(copy);
        return Tokenizer.fromJson(copy, {}, '/x/tokenizer.json', vocab);
      };

    it('it has more ids than the embedding has rows', () => {
      expect(build(() => undefined, 319)).toThrow(
        expect.objectContaining({ code: 'mismatch', file: '/x/tokenizer.json', field: 'model.vocab' }),
      );
      expect(build(() => undefined, 400)).not.toThrow();
    });

    it('a text makes an added token beyond the rows, and not before', () => {
      const added = { id: 5_000, content: '[PAD]', special: true };
      const tokenizer = build((t) => t.added_tokens.push(added))();
      expect(tokenizer.encode('Hello world').length).toBeGreaterThan(0);
      expect(() => tokenizer.encode('Hello [PAD]')).toThrow(
        expect.objectContaining({
          code: 'outOfRange',
          field: 'added_tokens',
          message: expect.stringContaining('[PAD]') as string,
        }),
      );
    });

    it('its ids, merges, tokens or patterns are invalid', () => {
      expect(build((t) => (t.model['vocab'] = { a: 4e9 }))).toThrow(
        expect.objectContaining({ code: 'outOfRange', field: 'model.vocab' }),
      );
      expect(build((t) => (t.model['vocab'] = { a: 1, b: 1 }))).toThrow(
        expect.objectContaining({ code: 'malformed', field: 'model.vocab' }),
      );
      expect(build((t) => (t.model['merges'] = ['a b c']))).toThrow(expect.objectContaining({ field: 'model.merges' }));
      expect(build((t) => (t.added_tokens = [{ id: -1, content: 'x' }]))).toThrow(
        expect.objectContaining({ field: 'added_tokens' }),
      );
      expect(build((t) => (t['pre_tokenizer'] = { type: 'Split', pattern: { Regex: 'x'.repeat(20_000) } }))).toThrow(
        expect.objectContaining({ code: 'outOfRange' }),
      );
      expect(
        build((t) => (t['pre_tokenizer'] = { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' })),
      ).toThrow(expect.objectContaining({ code: 'malformed' }));
      expect(build((t) => (t.model['type'] = 'WordLevel'))).toThrow(
        expect.objectContaining({ code: 'unsupported', field: 'model.type' }),
      );
    });

    it('its pattern never finishes on a text', () => {
      const tokenizer = build(
        (t) =>
          (t['pre_tokenizer'] = { type: 'Split', pattern: { Regex: '(a+a+)+b' }, behavior: 'Isolated', invert: false }),
      )();
      expect(() => tokenizer.encode('a'.repeat(200))).toThrow(expect.objectContaining({ code: 'timeout' }));
    });

    it('the file is missing, not JSON, or nested too deeply', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'));
      await expect(Tokenizer.open(directory, 10)).rejects.toMatchObject({ code: 'missing' });
      await writeFile(join(directory, 'tokenizer.json'), '{"model":');
      await expect(Tokenizer.open(directory, 10)).rejects.toMatchObject({ code: 'malformed' });
      await writeFile(join(directory, 'tokenizer.json'), '['.repeat(1_000_000));
      await expect(Tokenizer.open(directory, 10)).rejects.toMatchObject({ code: 'malformed' });
    });
  });
});

describe('the time limit', () => {
  it('passes results and errors through, can be nested, and works again after a timeout', () => {
    expect(withTimeLimit(1000, () => withTimeLimit(1000, () => 7))).toBe(7);
    expect(() =>
      withTimeLimit(1000, () => {
        throw new TypeError('inner');
      }),
    ).toThrow(TypeError);
    expect(() =>
      withTimeLimit(20, () => {
        for (;;);
      }),
    ).toThrow(expect.objectContaining({ code: 'timeout' }));
    expect(withTimeLimit(1000, () => 8)).toBe(8);
  });
});
