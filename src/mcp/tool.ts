import type { JsonSchemaType } from '@modelcontextprotocol/server';
import { AppError } from '../base';
import type { Progress, Ready } from './granted-session';

/** One tool of the server. `run` gets input that the schema admits. */
export interface Tool<Input = Record<string, unknown>, Output extends object = object> {
  name: string;
  title: string;
  /** Read by the agent's model, which chooses among the tools of many servers. */
  description: string;
  input: JsonSchemaType;
  output: JsonSchemaType;
  /** It searches, and may begin before all is indexed: its result has a coverage. */
  searches?: boolean;
  run(input: Input, call: Call): Promise<Result<Output>>;
}

/** Context of one tool call. */
export interface Call extends Ready {
  progress: Progress;
}

export interface Result<Output extends object = object> {
  /** The result as text for the model. */
  text: string;
  /** The same as data, by the output schema. */
  data: Output;
}

/** Checks a tool's types where it is defined, and hides them where tools are listed. */
export function defineTool<Input, Output extends object>(tool: Tool<Input, Output>): Tool {
  return tool as unknown as Tool;
}

/** @throws AppError when a text is blank */
export function notBlank(name: string, value: string): string {
  if (value.trim() === '') throw new AppError('usage', `\`${name}\` must not be empty.`);
  return value.trim();
}
