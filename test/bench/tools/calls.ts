/** Tool calls in what a model writes, and what a server would refuse about them. */
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { TOOLS } from '../../../src/mcp/tools';

export interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

const validators = new Map(
  TOOLS.map(({ name, input }) => [name, new AjvJsonSchemaValidator().getValidator(input)] as const),
);

/**
 * The first call in a text: in `<tool_call>` tags, in a block of JSON, or bare, as the parsers of agents accept it.
 * Qwen2.5-Coder's template shows doubled braces, so they are accepted too.
 */
export function callIn(written: string): ToolCall | undefined {
  const start = written.search(/\{\s*"name"\s*:/);
  if (start < 0) return undefined;
  const end = endOfObject(written, start);
  if (end === undefined) return undefined;
  try {
    const { name, arguments: given = {} } = JSON.parse(written.slice(start, end)) as Partial<ToolCall>;
    return typeof name === 'string' ? { name, arguments: given } : undefined;
  } catch {
    return undefined;
  }
}

/** Offset after the object that begins at `start`. Braces in its strings do not count. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '\\' && quoted) at++;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Why the server would refuse a call; undefined if it would not. */
export function faultOf(call: ToolCall | undefined): string | undefined {
  if (!call) return 'no call';
  const validate = validators.get(call.name);
  if (!validate) return 'no such tool';
  const result = validate(call.arguments);
  return result.valid ? undefined : result.errorMessage;
}
