import { memories, type Decoder, type MemoryTokenSet } from '../../../src/engine';
import { decodeHalf, encodeHalf } from '../../../src/engine/kv-cache/float16';
import { halves, joinBytes, packRows, storedRowBytes, unpackRows } from '../../../src/memory';
import { writeGreedily } from '../../../src/inference/greedy';
import type { MemoryCoder } from '../../../src/inference/memory-coder';
import { sharedPositions } from '../../../src/inference/row-positions';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { round, table } from '../engine/measure';
import { generator, mean } from './statistics';

const SEGMENT_TOKENS = 256;
/** The answer states the name and then its value, as for a user. */
const ANSWER_TOKENS = 24;
/** Numbers of segments in one context; one of them has the value. */
const TOGETHER = [1, 2, 4, 8, 16];
const ROWS = ['raw rows', '8x', '8x in 8 bits', '8x in 4 bits', '32x'] as const;

const WORDS = [
  'limit',
  'retry',
  'window',
  'cache',
  'token',
  'frame',
  'user',
  'field',
  'buffer',
  'state',
  'index',
  'path',
  'color',
  'group',
  'order',
  'queue',
];
const SYLLABLES = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'sa', 'ni', 'du', 'fe', 'gi', 'pa'];

interface Hidden {
  line: string;
  /** The question as it is, or as a user's turn. */
  question: string;
  turn?: boolean;
  value: string;
}

/**
 * Two forms of hidden values. The first models were trained on `NAME = "VALUE"` after the query token. Needles of the
 * workspace are declarations in code, and users ask for them.
 */
const FORMS: Record<string, (random: () => number) => Hidden> = {
  'words = "3 digits"': (random) => quoted(random, 3),
  'words = "5 digits"': (random) => quoted(random, 5),
  'const syllables = 5 digits;': (random) => {
    const [name, value] = [`${syllables(random)}_${syllables(random)}`, digits(random, 5)];
    return { line: `const ${name} = ${value};`, question: `<|query|>${name} =`, value };
  },
  'the same, as users ask': (random) => {
    const [name, value] = [`${syllables(random)}_${syllables(random)}`, digits(random, 5)];
    return { line: `const ${name} = ${value};`, question: `What is the value of \`${name}\`?`, value, turn: true };
  },
};

/**
 * Measures which ratio preserves a value that occurs once in one of several segments. Only compressed rows represent
 * the segments. The result is the share of values written exactly.
 */
export async function ratios(memory: MemoryModel, texts: readonly { text: string }[], each: number): Promise<void> {
  const { coder } = memory as unknown as { coder: MemoryCoder };
  const { decoder, tokenizer, config, rope } = coder;
  const results: Record<string, string | number>[] = [];
  for (const [form, make] of Object.entries(FORMS)) {
    const random = generator(5);
    const hidden = Array.from({ length: each }, (_, i) => {
      const one = make(random);
      const text = coder.tokens((texts[i % texts.length] as { text: string }).text).slice(0, 8 * SEGMENT_TOKENS);
      const line = coder.tokens(`\n${one.line}\n`);
      const from = Math.floor(random() * Math.max(0, text.length - SEGMENT_TOKENS));
      const at = from + Math.floor(random() * Math.min(text.length - from, SEGMENT_TOKENS - line.length));
      return { ...one, tokens: [...text.slice(from, at), ...line, ...text.slice(at)].slice(0, SEGMENT_TOKENS) };
    });
    const rows = await rowsOf(
      coder,
      hidden.map(({ tokens }) => tokens),
    );
    for (const together of TOGETHER) {
      const found: Record<string, number[]> = {};
      for (const [i, { question, value, turn }] of hidden.entries()) {
        const order = Array.from({ length: together - 1 }, (_, k) => (i + 1 + k) % each);
        order.splice(Math.floor(random() * together), 0, i);
        for (const kind of ROWS) {
          const bytes = joinBytes(order.map((at) => (rows[kind] as Uint8Array[])[at] as Uint8Array));
          const count = bytes.byteLength / storedRowBytes(decoder.config);
          const asked =
            turn && config.chat
              ? [config.chat.user, ...coder.tokens(question), config.chat.end, config.chat.assistant]
              : coder.tokens(question);
          const context = decoder.newContext(
            memories({ sinks: config.sinkTokens.length }),
            count + asked.length + ANSWER_TOKENS + config.sinkTokens.length,
            { rope },
          );
          await context.prefill(config.sinkTokens, { logits: 'none' });
          const room = decoder.config.maxPositions - config.sinkTokens.length - asked.length - ANSWER_TOKENS;
          context.splice(
            unpackRows(bytes, decoder.config, sharedPositions(count, config.sinkTokens.length, room), count),
            0,
            'store',
          );
          const { logits } = await context.prefill(asked);
          const { text } = await writeGreedily(decoder, tokenizer, context, logits, { maxNewTokens: ANSWER_TOKENS });
          (found[kind] ??= []).push((turn ? text.includes(value) : text.trimStart().startsWith(value)) ? 1 : 0);
        }
      }
      results.push({
        form,
        'segments together': together,
        ...Object.fromEntries(Object.entries(found).map(([kind, values]) => [kind, round(mean(values), 2)])),
      });
    }
  }
  table(`Share of ${each} values written exactly, by ratio`, results);
}

async function rowsOf(
  coder: MemoryCoder,
  segments: readonly number[][],
): Promise<Record<(typeof ROWS)[number], Uint8Array[]>> {
  const encode = (slotTokens: number, slotSet: MemoryTokenSet): ReturnType<Decoder['encodeSegments']> =>
    coder.decoder.encodeSegments(
      segments.map((tokens) => ({ tokens, keep: tokens.map((_, i) => i), slotTokens, slotSet })),
      coder.encodeOptions(),
    );
  const [eight, many] = [await encode(8, coder.config.dense ? 'dense' : 'memory'), await encode(32, 'memory')];
  const memoriesOf = (made: typeof eight): Uint8Array[] =>
    made.map(({ memories: rows }) => (rows ? packRows(rows) : new Uint8Array(0)));
  const fine = memoriesOf(eight);
  return {
    'raw rows': eight.map(({ rows }) => packRows(rows)),
    '8x': fine,
    '8x in 8 bits': fine.map((bytes) => inBits(bytes, 8)),
    '8x in 4 bits': fine.map((bytes) => inBits(bytes, 4)),
    '32x': memoriesOf(many),
  };
}

/** Quantizes rows to `bits` bits with one scale for each group of 32 numbers, and back. */
function inBits(bytes: Uint8Array, bits: number): Uint8Array {
  const values = decodeHalf(halves(bytes));
  const most = 2 ** (bits - 1) - 1;
  for (let from = 0; from < values.length; from += 32) {
    const run = values.subarray(from, from + 32);
    const scale = Math.max(...run.map(Math.abs)) / most || 1;
    run.forEach((value, i) => (run[i] = Math.round(value / scale) * scale));
  }
  return new Uint8Array(encodeHalf(values).buffer);
}

function quoted(random: () => number, count: number): Hidden {
  const second = pick(WORDS, random);
  const name = `${pick(WORDS, random)}${second.charAt(0).toUpperCase()}${second.slice(1)}`;
  const value = digits(random, count);
  return { line: `${name} = "${value}"`, question: `<|query|>${name} = "`, value };
}

const pick = (list: readonly string[], random: () => number): string =>
  list[Math.floor(random() * list.length)] as string;
const syllables = (random: () => number): string => Array.from({ length: 3 }, () => pick(SYLLABLES, random)).join('');
const digits = (random: () => number, count: number): string =>
  Array.from({ length: count }, () => Math.floor(random() * 10)).join('');
