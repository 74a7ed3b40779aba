import {
  full,
  lambda,
  middleRows,
  readingPolicy,
  readingRows,
  ropeFrequencies,
  type AttentionPolicy,
  type DecoderContext,
} from '../../../src/engine';
import { argmax } from '../../../src/engine/generate/sampling';
import { round, table } from '../engine/measure';
import { interval, mean } from '../memory/statistics';
import type { Subject } from './subject';
import { haystack, needles, type Needle } from './needles';

/** Tokens that an answer may have: a number of five digits, and what a model writes around it. */
const ANSWER = 10;
/** Tokens of a question and its answer at most. */
const ROOM = 128;
/** Tokens between two measurements of bytes and time. */
const STEP = 4_096;
const SYSTEM = 'You answer questions about a text.';

export interface Asked {
  count: number;
  /** Needles that are asked by the best rows of each head too, which takes long. */
  heads: number;
  seed: number;
  /** Arms that are asked; default: all. */
  only?: readonly Arm['id'][];
}

interface Arm {
  id: 'whole' | 'back' | 'lambda' | 'cut' | 'heads';
  name: string;
  context: () => Promise<DecoderContext>;
  policy?: AttentionPolicy;
  /** Needles that are asked. */
  most: number;
}

/** Prints the share of needles told by each arm, and what reading the text costs. */
export async function tellNeedles(subject: Subject, asked: Asked): Promise<void> {
  const { rows, costs, tokens } = await toldNeedles(subject, asked);
  table(`${asked.count} needles in ${tokens} tokens, ${subject.times} × the window of ${subject.window}`, rows);
  table('Reading the text', costs);
}

type Row = Record<string, string | number>;

/** Hides needles at even depths and asks for each of them, the text being read once. */
export async function toldNeedles(
  subject: Subject,
  { count, heads, seed, only }: Asked,
): Promise<{ told: Map<Arm['id'], boolean[]>; rows: Row[]; costs: Row[]; tokens: number }> {
  const { decoder, tokenizer, window, times } = subject;
  const { rowBytes } = decoder;
  const config = { ...decoder.config, maxPositions: window };
  const length = window * times;
  const hidden = needles(count, seed);
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  const [before, after] = turn(subject);
  const head = encode(before);
  const { ids, places } = haystack(subject.text, hidden, length - head.length - ROOM, encode);
  const whole = [...head, ...ids];

  const options = { tokens: whole.length + ROOM, rowBytes };
  const policy = readingPolicy(config, options);
  const rope = ropeFrequencies(config.rope, Math.min(options.tokens, policy.ceiling));
  const long = decoder.newContext(policy, readingRows(policy, options.tokens) + window, { rope });
  const costs = await readMeasuring(long, whole);
  const cut = async (): Promise<DecoderContext> => {
    const context = decoder.newContext(full(), window);
    const kept = [...head, ...ids.slice(ids.length - (window - ROOM - head.length))];
    await context.prefill(kept, { logits: 'none' });
    return context;
  };
  const under = (middle?: ReturnType<typeof middleRows>) =>
    lambda({ sinks: 16, window, ...(middle ? { middle } : {}) });
  const read = () => Promise.resolve(long);
  const arms: Arm[] =
    times > 1
      ? [
          { id: 'back', name: 'Λ, looking back by blocks', context: read, most: count },
          { id: 'lambda', name: 'Λ', context: read, policy: under(), most: count },
          { id: 'cut', name: 'truncated to the window', context: cut, most: count },
          {
            id: 'heads',
            name: 'Λ, the best 5 rows of each head',
            context: read,
            policy: under(middleRows(config, rowBytes, { k: 5 })),
            most: heads,
          },
        ]
      : [{ id: 'whole', name: 'whole, full attention', context: read, most: count }];
  const isLeft = (i: number) => (places[i] as number) + head.length < whole.length + ROOM - window;
  const rows: Row[] = [];
  const byArm = new Map<Arm['id'], boolean[]>();
  for (const { id, name, context: open, policy: own, most } of arms) {
    // Spread over all depths.
    const asked = hidden
      .map((_, i) => i)
      .filter((i) => Math.floor((i * most) / count) !== Math.floor(((i - 1) * most) / count));
    if (most === 0 || (only && !only.includes(id))) continue;
    const context = await open();
    const told: boolean[] = [];
    const started = process.cpuUsage();
    for (const i of asked) {
      const said = await answer(context.fork(own), encode(after(hidden[i] as Needle)), tokenizer);
      told.push(said.includes((hidden[i] as Needle).value));
      process.stderr.write(`${name} ${i} ${(hidden[i] as Needle).value}: ${JSON.stringify(said)}\n`);
    }
    byArm.set(id, told);
    const used = process.cpuUsage(started);
    const share = (some: readonly boolean[]) => (some.length === 0 ? '–' : round(mean(some.map(Number)), 2));
    const [low, high] = interval(told.map(Number));
    rows.push({
      reading: name,
      asked: told.length,
      told: share(told),
      interval: `[${low.toFixed(2)}, ${high.toFixed(2)}]`,
      'left the window': share(told.filter((_, at) => isLeft(asked[at] as number))),
      'still in it': share(told.filter((_, at) => !isLeft(asked[at] as number))),
      'processor s': round((used.user + used.system) / 1e6 / told.length),
    });
  }
  return { told: byArm, rows, costs, tokens: whole.length };
}

/** Text before and after the long text: a question, and the beginning of its answer. */
function turn({ template }: Subject): [before: string, after: (needle: Needle) => string] {
  const mark = '\u0001';
  const chat = template?.render(
    [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: mark },
    ],
    {},
  );
  const [before = '', behind = '\n\nAnswer: '] = chat?.split(mark) ?? [];
  return [before, ({ question, lead }) => `\n\n${question}${behind}${lead}`];
}

async function answer(
  context: DecoderContext,
  question: readonly number[],
  tokenizer: Subject['tokenizer'],
): Promise<string> {
  let { logits } = await context.prefill(question);
  const said: number[] = [];
  while (said.length < ANSWER) {
    said.push(argmax(logits));
    if (said.length < ANSWER) logits = await context.decode(said.at(-1) as number);
  }
  return tokenizer.decode(said);
}

/** Reads a text; bytes and processor time by position. */
async function readMeasuring(context: DecoderContext, tokens: readonly number[]): Promise<Record<string, number>[]> {
  const rows: Record<string, number>[] = [];
  for (let from = 0; from < tokens.length; from += STEP) {
    const part = tokens.slice(from, from + STEP);
    const started = process.cpuUsage();
    await context.prefill(part, { logits: 'none' });
    const { user, system } = process.cpuUsage(started);
    rows.push({
      'read to': from + part.length,
      'processor ms a token': round((user + system) / 1_000 / part.length, 2),
      'cache MB': round(context.ledger().allocatedBytes / 1e6, 0),
    });
    process.stderr.write(`${from + part.length} of ${tokens.length}\n`);
  }
  return rows;
}
