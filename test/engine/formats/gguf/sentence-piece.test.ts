import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Tokenizer } from '../../../../src/engine';
import { ggufTokenizer } from '../../../../src/engine/formats/gguf/tokenizer-json';
import { generator } from '../../../../src/engine/generate/sampling';
import { f32, fixtureGguf, gguf, u32, type Value } from './write-gguf';

const KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, byte: 6 };
const LETTERS = ['▁', 'a', 'b', 'c', 'd', 'é', '😀'];

/** A vocabulary in the manner of Gemma: bytes, runs of spaces and line ends as tokens, marks of turns. */
function vocabulary(): { text: string; kind: number; score: number }[] {
  const tokens = [
    { text: '<pad>', kind: KIND.control, score: 0 },
    { text: '<eos>', kind: KIND.control, score: 0 },
    { text: '<bos>', kind: KIND.control, score: 0 },
    { text: '<unk>', kind: KIND.unknown, score: 0 },
    ...['<start_of_turn>', '<end_of_turn>'].map((text) => ({ text, kind: KIND.control, score: 0 })),
    // The converter writes runs of spaces as spaces.
    ...['\n', '\n\n', '  ', '   '].map((text) => ({ text, kind: KIND.userDefined, score: 0 })),
    ...Array.from({ length: 256 }, (_, byte) => ({
      text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
      kind: KIND.byte,
      score: 0,
    })),
    ...LETTERS.map((text, i) => ({ text, kind: KIND.normal, score: -1000 - i })),
  ];
  const pieces = new Set(LETTERS);
  const cuts = (text: string) =>
    Array.from({ length: text.length - 1 }, (_, i) => [text.slice(0, i + 1), text.slice(i + 1)] as const).filter(
      ([left, right]) => pieces.has(left) && pieces.has(right),
    ).length;
  const random = generator(5);
  for (let rank = 0; pieces.size < 60;) {
    const all = [...pieces];
    const pick = () => all[Math.floor(random() * all.length)] as string;
    const text = pick() + pick();
    // One way to make each piece, so that no two joins have one score. Two ▁ are never in a text: they are a token.
    if (text.length > 6 || pieces.has(text) || cuts(text) !== 1 || text.includes('▁▁')) continue;
    pieces.add(text);
    // In another order than that of their making, as scores of SentencePiece are.
    tokens.push({ text, kind: KIND.normal, score: -((rank++ * 37) % 101) });
  }
  return tokens;
}

const TOKENS = vocabulary();
const METADATA: Record<string, Value> = {
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': { type: 'array', of: 'string', values: TOKENS.map(({ text }) => text) },
  'tokenizer.ggml.scores': { type: 'array', of: 'f32', values: TOKENS.map(({ score }) => score) },
  'tokenizer.ggml.token_type': { type: 'array', of: 'i32', values: TOKENS.map(({ kind }) => kind) },
  'tokenizer.ggml.add_space_prefix': false,
  'tokenizer.ggml.add_bos_token': true,
  'tokenizer.ggml.bos_token_id': u32(2),
  'tokenizer.ggml.eos_token_id': u32(1),
  'tokenizer.ggml.unknown_token_id': u32(3),
};

/** Ids as llama.cpp finds them: whole tokens, longest first, and joins with the best score between them. */
function expectedIds(text: string): number[] {
  const whole = TOKENS.flatMap(({ text: own, kind }, id) =>
    kind === KIND.control || kind === KIND.userDefined ? [{ own, id }] : [],
  ).sort((a, b) => b.own.length - a.own.length);
  const found = whole.find(({ own }) => text.includes(own));
  if (found) {
    const at = text.indexOf(found.own);
    return [...expectedIds(text.slice(0, at)), found.id, ...expectedIds(text.slice(at + found.own.length))];
  }
  const normal = new Map(
    TOKENS.flatMap(({ text: own, kind }, id) => (kind === KIND.normal ? [[own, id] as const] : [])),
  );
  const symbols = [...text.replaceAll(' ', '▁')];
  for (;;) {
    let best: { at: number; score: number } | undefined;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const id = normal.get(`${symbols[at]}${symbols[at + 1]}`);
      const score = id === undefined ? undefined : TOKENS[id]?.score;
      if (score !== undefined && (!best || score > best.score)) best = { at, score };
    }
    if (!best) break;
    symbols.splice(best.at, 2, `${symbols[best.at]}${symbols[best.at + 1]}`);
  }
  const firstByte = TOKENS.findIndex(({ kind }) => kind === KIND.byte);
  return symbols.flatMap((symbol) => {
    const id = normal.get(symbol);
    return id === undefined ? Array.from(new TextEncoder().encode(symbol), (byte) => firstByte + byte) : [id];
  });
}

describe('a vocabulary of SentencePiece in a GGUF file', () => {
  let tokenizer: Tokenizer;
  beforeAll(() => {
    const metadata = new Map(
      Object.entries(METADATA).map(([key, value]) => [
        key,
        typeof value === 'object' ? ('values' in value ? (value.values as string[]) : value.value) : value,
      ]),
    );
    tokenizer = ggufTokenizer(metadata, 'model.gguf', TOKENS.length);
  });

  it('joins pieces by score, cuts at whole tokens, and falls back to bytes', () => {
    const random = generator(9);
    const parts = [
      'a',
      'b',
      'c',
      'd',
      'é',
      '😀',
      ' ',
      'ab',
      'ü',
      '漢',
      '\t',
      '\n',
      '  ',
      '<end_of_turn>',
      '<start_of_turn>',
    ];
    for (let i = 0; i < 600; i++) {
      const length = Math.floor(random() * 24);
      const text = Array.from({ length }, () => parts[Math.floor(random() ** 2 * parts.length)]).join('');
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      expect([text, ids]).toEqual([text, expectedIds(text)]);
      if (!text.includes('_turn>')) expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it('adds the begin token, and no space in front', () => {
    expect(tokenizer.encode('a')).toEqual([2, ...expectedIds('a')]);
    expect(tokenizer.decode(tokenizer.encode('a b'))).toBe('a b');
  });
});

describe('a Gemma 3 file', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'gemma-gguf-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('ends at <eos> and at <end_of_turn>, and has its template', async () => {
    const { metadata, tensors, checkpoint } = await fixtureGguf('gemma3', 'gemma3');
    await checkpoint.close();
    const { hiddenSize } = checkpoint.config;
    const rows = new Uint8Array(TOKENS.length * hiddenSize * 4);
    const path = join(directory, 'model.gguf');
    const template =
      "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set head = messages[0]['content'] + '\\n\\n' %}" +
      "{% set rest = messages[1:] %}{% else %}{% set head = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}" +
      "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n' + (head if loop.first else '') }}" +
      "{% if m['content'] is string %}{{ m['content'] | trim }}{% else %}{{ raise_exception('no text') }}{% endif %}" +
      "{{ '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";
    writeFileSync(
      path,
      gguf(
        {
          ...metadata,
          ...METADATA,
          'gemma3.attention.sliding_window': u32(8),
          'gemma3.rope.scaling.type': 'none',
          'gemma3.rope.freq_base_swa': f32(1e4),
          'tokenizer.chat_template': template,
        },
        tensors.map((tensor) =>
          tensor.name === 'token_embd.weight' ? { ...tensor, shape: [TOKENS.length, hiddenSize], bytes: rows } : tensor,
        ),
      ),
    );
    const opened = await openCheckpoint(path);
    expect(opened.config).toMatchObject({ bosTokenId: 2, eosTokenIds: [1, 5], slidingWindow: 8 });
    const tokenizer = await opened.openTokenizer();
    const chat = await opened.openChatTemplate();
    const messages = [
      { role: 'system' as const, content: 'be brief' },
      { role: 'user' as const, content: ' ab ' },
    ];
    expect(chat?.render(messages, { bosToken: tokenizer.namedToken('bos_token') })).toBe(
      '<bos><start_of_turn>user\nbe brief\n\nab<end_of_turn>\n<start_of_turn>model\n',
    );
    await opened.close();
  });
});
