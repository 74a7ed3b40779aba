/** An agent's loop: model and built server, over the official client. */
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { callIn, faultOf, type ToolCall } from './calls';
import type { Chooser } from './chooser';
import loops from './loops.json';
import { Written } from './written';

/** Turns of one task at most, and characters of a result that the model reads. */
const TURNS = 2;
const RESULT_CHARACTERS = 500;
/** Ends a turn after its call. A turn without a call in its first characters is an answer, which is not read on. */
const TURN_END = /<\/tool_call>|\}\s*```|^[^{<`]{160}/;

interface Step {
  text: string;
  call?: ToolCall;
  fault?: string;
  /** The server itself refused or failed. */
  failed?: boolean;
}

export async function loop(chooser: Chooser, folder: string, limit: number): Promise<void> {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join('dist', 'cli.js'), 'mcp', '--workspace', folder],
      env: process.env as Record<string, string>,
      stderr: 'ignore',
    }),
  );
  const written = new Written<Step[]>('loops', chooser.fingerprint, chooser.prefix, folder);
  let [calls, valid, failed, ended] = [0, 0, 0, 0];
  const asked = loops.slice(0, limit);
  for (const task of asked) {
    const steps = await written.of(task, () => stepsOf(task, chooser, client));
    console.log(task);
    for (const { text, call, fault, failed: refused } of steps) {
      // A turn that is no call and no attempt at one is the model's answer.
      if (!call && !/"name"|<tool_call>/.test(text)) continue;
      calls++;
      if (fault === undefined) valid++;
      if (refused) failed++;
      const remark = fault ?? (refused ? 'refused by the server' : '');
      console.log(
        `  ${call ? `${call.name} ${JSON.stringify(call.arguments)}` : text.slice(0, 80)} ${remark}`.trimEnd(),
      );
    }
    if (steps.length > 1 && !steps.at(-1)?.call) ended++;
  }
  await client.close();
  const share = ((100 * valid) / Math.max(1, calls)).toFixed(1);
  console.log(`valid calls: ${valid} of ${calls} (${share}%), of them ${failed} without a result`);
  console.log(`tasks: ${asked.length}, ${ended} ended with an answer within ${TURNS} turns`);
}

async function stepsOf(task: string, chooser: Chooser, client: Client): Promise<Step[]> {
  const steps: Step[] = [];
  let turn = await chooser.first(task, { until: TURN_END });
  for (;;) {
    const call = callIn(turn.text);
    const fault = call && faultOf(call);
    const step: Step = { text: turn.text, ...(call ? { call } : {}), ...(fault === undefined ? {} : { fault }) };
    steps.push(step);
    if (!call || steps.length === TURNS) return steps;
    const result = await client.callTool(call).catch((error: unknown) => ({
      isError: true,
      content: [{ type: 'text' as const, text: String(error) }],
    }));
    if (result.isError === true && fault === undefined) step.failed = true;
    const parts = result.content as readonly { text?: string }[];
    const text = parts.map((part) => part.text ?? '').join('\n');
    turn = await chooser.next(turn, text.slice(0, RESULT_CHARACTERS), TURN_END);
  }
}
