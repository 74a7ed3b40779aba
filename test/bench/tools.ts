/**
 * `npm run bench -- tools MODEL [--loop FOLDER] [--limit N]`: whether a small model picks the right tool of the server
 * from its description, and calls it as its schema asks. Each task of tools/tasks.json names one tool. With `--loop`
 * the model instead works on the tasks of tools/loops.json over FOLDER, with the built server's results.
 *
 * All descriptions are read once; every task forks that context.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Decoder, type DecoderContext, full, openCheckpoint } from '../../src/engine';
import { TOOLS } from '../../src/mcp/tools';
import loops from './tools/loops.json';
import tasks from './tools/tasks.json';

const MOST_TOKENS = 90;
const CONTEXT = 6_000;
/** Calls of one task of the loop, and characters of a result that the model reads. */
const CALLS = 2;
const RESULT_CHARACTERS = 400;

const FORCED = '<tool_call>\n{"name": "';

interface ToolCall {
  name?: string;
  arguments?: Record<string, unknown>;
}

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
}

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { loop: { type: 'string' }, limit: { type: 'string' } },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error('Name a .gguf file or the folder of a model.');
  const limit = Number(values.limit ?? Infinity);
  const checkpoint = await openCheckpoint(path);
  const tokenizer = await checkpoint.openTokenizer();
  const decoder = await Decoder.open(checkpoint, { cacheDirectory: join('.cache', 'bench', 'models') });
  await checkpoint.close();
  const encode = (text: string): number[] => [...tokenizer.encode(text)];
  const end = encode('<|im_end|>').at(-1);
  const base = decoder.newContext(full(), CONTEXT);
  const prefix = encode(`<|im_start|>system\n${system()}<|im_end|>\n`);
  await base.prefill(prefix, { logits: 'none' });
  console.log(`${TOOLS.length} tools, ${prefix.length} tokens of descriptions`);

  /** Lets the model write one turn. */
  const turn = async (context: DecoderContext, text: string): Promise<string> => {
    const { logits } = await context.prefill(encode(text), { logits: 'last' });
    const written: number[] = [];
    for (let next = best(logits); next !== end && written.length < MOST_TOKENS;) {
      written.push(next);
      next = best(await context.decode(next));
      if (written.length % 8 === 0 && tokenizer.decode(written).includes('</tool_call>')) break;
    }
    return tokenizer.decode(written);
  };
  const user = (text: string): string => `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;

  if (values.loop !== undefined) {
    await loop(values.loop, base, turn, user, limit);
    await decoder.close();
    return;
  }
  let [right, valid] = [0, 0];
  const asked = tasks.slice(0, limit);
  for (const { task, tool } of asked) {
    // As clients ask for it that require a call.
    const written = FORCED + (await turn(base.fork(), user(task) + FORCED));
    const call = callIn(written);
    if (call?.name === tool) right++;
    const fault = faultOf(call);
    if (fault === undefined) valid++;
    if (call?.name !== tool || fault !== undefined)
      console.log(
        `  ${tool}: “${task}” → ${call?.name ?? written.slice(0, 60)}${fault === undefined ? '' : ` (${fault})`}`,
      );
  }
  console.log(`right tool: ${right} of ${asked.length}; valid calls: ${valid} of ${asked.length}`);
  await decoder.close();
}

async function loop(
  folder: string,
  base: DecoderContext,
  turn: (context: DecoderContext, text: string) => Promise<string>,
  user: (text: string) => string,
  limit: number,
): Promise<void> {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join('dist', 'cli.js'), 'mcp', '--workspace', folder],
      env: process.env as Record<string, string>,
      stderr: 'ignore',
    }),
  );
  let [calls, valid, answered] = [0, 0, 0];
  for (const task of loops.slice(0, limit)) {
    const context = base.fork();
    let text = user(task);
    for (let step = 0; step < CALLS; step++) {
      const written = await turn(context, text);
      const call = callIn(written);
      if (!call) {
        // A turn without a call is the final answer.
        if (step > 0 && !written.includes('<tool_call>')) answered++;
        else calls++;
        break;
      }
      calls++;
      const fault = faultOf(call);
      if (fault === undefined) valid++;
      const result =
        fault ??
        (await client
          .callTool({ name: call.name ?? '', arguments: call.arguments ?? {} })
          .then(({ content }) => (content as { text?: string }[]).map((part) => part.text ?? '').join('\n'))
          .catch((error: unknown) => String(error)));
      console.log(`  ${task} → ${call.name ?? ''} ${JSON.stringify(call.arguments)}${fault ? ` (${fault})` : ''}`);
      text = `<|im_end|>\n${user(`<tool_response>\n${result.slice(0, RESULT_CHARACTERS)}\n</tool_response>`)}`;
    }
  }
  await client.close();
  console.log(
    `loop: ${valid} of ${calls} calls valid; ${answered} of ${Math.min(limit, loops.length)} tasks ended in words`,
  );
}

/** The system turn in the form that Qwen models are trained on. */
function system(): string {
  const signatures = TOOLS.map(({ name, description, input }) =>
    JSON.stringify({ type: 'function', function: { name, description, parameters: input } }),
  );
  return [
    'You work on a code base that you see only through tools. Use them before you answer.',
    '',
    '# Tools',
    '',
    'You may call one or more functions to assist with the user query.',
    '',
    'You are provided with function signatures within <tools></tools> XML tags:',
    '<tools>',
    ...signatures,
    '</tools>',
    '',
    'For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:',
    '<tool_call>',
    '{"name": <function-name>, "arguments": <args-json-object>}',
    '</tool_call>',
  ].join('\n');
}

/** The first call in a text. Small models leave out the tags, or write them in a code block. */
function callIn(written: string): ToolCall | undefined {
  const start = written.search(/\{\s*"name"/);
  if (start < 0) return undefined;
  let depth = 0;
  for (let at = start; at < written.length; at++) {
    if (written[at] === '{') depth++;
    else if (written[at] === '}' && --depth === 0) {
      try {
        return JSON.parse(written.slice(start, at + 1)) as ToolCall;
      } catch {
        return undefined;
      }
    }
  }
  return undefined;
}

/** Why the server would refuse a call; undefined if it would not. */
function faultOf(call: ToolCall | undefined): string | undefined {
  const tool = TOOLS.find(({ name }) => name === call?.name);
  if (!call || !tool) return call ? 'no such tool' : 'no call';
  const { properties = {}, required = [] } = tool.input as Schema;
  const given = call.arguments ?? {};
  const missing = required.filter((name) => given[name] === undefined);
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  for (const [name, value] of Object.entries(given)) {
    const type = properties[name]?.type;
    if (type === undefined) return `no parameter ${name}`;
    const own = typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
    if (own !== type && !(type === 'number' && own === 'integer')) return `${name} is a ${own}`;
  }
  return undefined;
}

function best(logits: ArrayLike<number>): number {
  let at = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[at] as number)) at = i;
  return at;
}
