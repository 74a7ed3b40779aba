/**
 * `npm run bench -- tools MODEL [--part tuning|validation] [--free] [--names] [--try FILE] [--limit N]`: whether a
 * small model picks the right tool of the server from its description, and calls it as its schema asks. Each task of
 * tools/tasks.json names one tool. The descriptions are tuned on every second task (`tuning`); the others
 * (`validation`) judge them.
 *
 * The prompt is the model's own chat template with the server's instructions and the tools as JSON. The turn is forced
 * to begin a call, as clients do that require one; `--free` leaves it to the model. `--names` reads no further than the
 * tool's name. `--try FILE` takes other texts from a JSON file: `{ "instructions": …, "order": [names],
 * "descriptions": { name: … } }`. The rows of the tools' list are kept, so that a task costs its own tokens, and each
 * answer is stored in .cache/bench/tools: a run that was stopped goes on.
 *
 * `npm run bench -- tools MODEL --loop FOLDER [--limit N]`: an agent's loop over tools/loops.json. The model works on
 * each task with the results of the built server over FOLDER. A call is valid if the tool exists and the arguments pass
 * its schema.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { callIn, faultOf, type ToolCall } from './tools/calls';
import { Chooser, type Trial } from './tools/chooser';
import { loop } from './tools/loop';
import tasks from './tools/tasks.json';
import { Written } from './tools/written';

const FORCED = '<tool_call>\n{"name": "';
const NAME = /"name": "[^"]*"/;
const CALL = /<\/tool_call>|\}\s*\}\s*(?:\n|$)/;

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      part: { type: 'string' },
      free: { type: 'boolean', default: false },
      names: { type: 'boolean', default: false },
      try: { type: 'string' },
      loop: { type: 'string' },
      limit: { type: 'string' },
    },
  });
  const path = positionals.at(-1);
  if (path === undefined) throw new Error('Name a .gguf file or the folder of a model.');
  const limit = Number(values.limit ?? Infinity);
  const trial = values.try === undefined ? {} : (JSON.parse(readFileSync(values.try, 'utf8')) as Trial);
  const chooser = await Chooser.open(path, trial);
  if (values.loop === undefined) await choose(chooser, partOf(values.part).slice(0, limit), values);
  else await loop(chooser, values.loop, limit);
  await chooser.close();
}

interface Task {
  task: string;
  tool: string;
}

function partOf(part: string | undefined): readonly Task[] {
  return part === undefined ? tasks : tasks.filter(({ task }) => halfOf(task) === part);
}

function halfOf(task: string): 'tuning' | 'validation' {
  return tasks.findIndex((each) => each.task === task) % 2 === 0 ? 'tuning' : 'validation';
}

async function choose(
  chooser: Chooser,
  asked: readonly Task[],
  { free, names }: { free: boolean; names: boolean },
): Promise<void> {
  const forced = free ? '' : FORCED;
  const until = names ? NAME : CALL;
  const written = new Written<string>(names ? 'names' : 'choices', chooser.fingerprint, chooser.prefix, forced);
  const right = new Map<string, [number, number]>();
  let valid = 0;
  const halves = { tuning: 0, validation: 0 };
  for (const { task, tool } of asked) {
    const text = await written.of(task, async () => (await chooser.first(task, { forced, until })).text);
    const call = names ? nameIn(text) : callIn(text);
    const fault = names ? undefined : faultOf(call);
    const [hits, of] = right.get(tool) ?? [0, 0];
    right.set(tool, [hits + Number(call?.name === tool), of + 1]);
    if (call?.name === tool) halves[halfOf(task)]++;
    if (fault === undefined) valid++;
    if (call?.name === tool && fault === undefined) continue;
    console.log(
      `  ${tool}: “${task}” → ${call ? `${call.name} ${JSON.stringify(call.arguments)}` : text} ${fault ?? ''}`,
    );
  }
  for (const [tool, [hits, of]] of right) console.log(`${tool.padEnd(16)} ${hits} of ${of}`);
  const all = [...right.values()].reduce((sum, [hits]) => sum + hits, 0);
  console.log(`tasks that tuned the descriptions: ${halves.tuning} right; the others: ${halves.validation}`);
  console.log(`right tool: ${all} of ${asked.length}${names ? '' : `; valid calls: ${valid} of ${asked.length}`}`);
}

function nameIn(text: string): ToolCall | undefined {
  const name = /"name": "([^"]*)"/.exec(text)?.[1];
  return name === undefined ? undefined : { name, arguments: {} };
}
