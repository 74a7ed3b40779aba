/** Commands of the terminal, with their options and help, in one table. */
import * as l10n from '@vscode/l10n';
import { AppError } from '../base';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** Wrong usage of the command line; exit code 2. */
export class UsageError extends AppError<'usage'> {
  override readonly name = 'UsageError';

  constructor(
    message: string,
    readonly command?: string,
  ) {
    super('usage', message);
  }
}

interface Option {
  type: 'string' | 'boolean';
  multiple?: boolean;
  short?: string;
  /** Placeholder of the value in the help. */
  value?: string;
  help: string;
}

const COMMON: Record<string, Option> = {
  workspace: {
    type: 'string',
    multiple: true,
    short: 'w',
    value: 'DIR',
    help: l10n.t('Folder of the workspace; repeatable. Default: the current folder.'),
  },
  storage: {
    type: 'string',
    value: 'DIR',
    help: l10n.t('Folder of the index. Default: a folder for the workspace in the user’s cache.'),
  },
  secrets: {
    type: 'boolean',
    help: l10n.t('Also index files that usually hold secrets, such as .env and private keys.'),
  },
  'follow-links': { type: 'boolean', help: l10n.t('Also index what links outside the workspace lead to.') },
  json: { type: 'boolean', help: l10n.t('Print JSON.') },
  progress: { type: 'boolean', help: l10n.t('Show progress on stderr, even if it is not a terminal.') },
  help: { type: 'boolean', short: 'h', help: l10n.t('Show this help.') },
};

const MODEL: Record<string, Option> = {
  'model-directory': {
    type: 'string',
    value: 'DIR',
    help: l10n.t(
      'Checkpoint that writes the answer: a .gguf file or a folder. Default: none; the answer quotes the sources.',
    ),
  },
  server: {
    type: 'string',
    value: 'URL#MODEL',
    help: l10n.t('Server that writes the answer, such as http://127.0.0.1:11434/v1#qwen2.5-coder:1.5b (Ollama).'),
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'HOST',
    help: l10n.t('Allow a server on another machine. The answer says that text was sent there. Repeatable.'),
  },
  threads: { type: 'string', value: 'N', help: l10n.t('Threads of the engine. Default: the number of cores.') },
  weights: { type: 'string', value: 'FORMAT', help: l10n.t('auto, f32, 8bit or 4bit.') },
};

const IN: Record<string, Option> = {
  in: { type: 'string', value: 'PATH', help: l10n.t('Only this file or folder, relative to the workspace.') },
};

interface Command {
  summary: string;
  /** Operands, as the usage line shows them. */
  operands: string;
  options: Record<string, Option>;
  examples: readonly string[];
}

export const COMMANDS = {
  ask: {
    summary: l10n.t('Answer a question about the workspace, with citations.'),
    operands: 'QUESTION',
    options: { ...IN, ...MODEL },
    examples: ['anchorage ask "How is a request dispatched?" --workspace ~/src/flask'],
  },
  search: {
    summary: l10n.t('List the lines that answer a question, best first.'),
    operands: '[QUESTION]',
    options: {
      ...IN,
      limit: { type: 'string', short: 'n', value: 'N', help: l10n.t('Spans for each question. Default: 20.') },
      queries: {
        type: 'string',
        value: 'FILE',
        help: l10n.t(
          'Read questions from JSON lines {"id","question"} (- for stdin) and write {"id","spans"} for each.',
        ),
      },
    },
    examples: [
      'anchorage search "retry with backoff" -n 5',
      'anchorage search --queries questions.jsonl > spans.jsonl',
    ],
  },
  summarize: {
    summary: l10n.t('Outline a file of any length, a line for each part.'),
    operands: 'FILE',
    options: MODEL,
    examples: ['anchorage summarize src/app.py'],
  },
  explain: {
    summary: l10n.t('Explain a definition, or lines of a file.'),
    operands: 'FILE:LINE[-LINE] | NAME',
    options: { fresh: { type: 'boolean', help: l10n.t('Explain again, even if an explanation is cached.') }, ...MODEL },
    examples: ['anchorage explain src/app.py:120', 'anchorage explain dispatch_request'],
  },
  history: {
    summary: l10n.t('Show why lines are so: the commits that changed them, newest first. Needs git.'),
    operands: 'FILE:LINE[-LINE]',
    options: {},
    examples: ['anchorage history src/app.py:120', 'anchorage history src/app.py:120-131 --json'],
  },
  index: {
    summary: l10n.t('Index the workspace and print time, memory and disk space.'),
    operands: '',
    options: {
      rebuild: { type: 'boolean', help: l10n.t('Delete the index and build it from scratch.') },
      memories: {
        type: 'boolean',
        help: l10n.t(
          'Also encode every segment with the model, for `ask` and `context`. Takes minutes for a large workspace, once.',
        ),
      },
      threads: MODEL['threads'] as Option,
    },
    examples: ['anchorage index --json', 'anchorage index --memories --progress'],
  },
  status: {
    summary: l10n.t('Show which files are indexed or skipped, and where the index is stored.'),
    operands: '',
    options: {},
    examples: ['anchorage status'],
  },
  check: {
    summary: l10n.t('Verify every byte of the index, the encoded segments and the models. Changes nothing.'),
    operands: '',
    options: { 'model-directory': MODEL['model-directory'] as Option },
    examples: ['anchorage check'],
  },
  why: {
    summary: l10n.t('Show why a file is indexed or not.'),
    operands: 'FILE',
    options: {},
    examples: ['anchorage why dist/app.js'],
  },
  functions: {
    summary: l10n.t('Print the documented functions of the workspace as JSON lines, for training.'),
    operands: '',
    options: {},
    examples: ['anchorage functions --workspace ~/src/flask > functions.jsonl'],
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

/** Defaults of options. */
export const UNSET = {
  json: false,
  secrets: false,
  'follow-links': false,
  progress: false,
  help: false,
  fresh: false,
  rebuild: false,
  memories: false,
  workspace: [] as string[],
  'allow-host': [] as string[],
};

export interface Arguments {
  operands: string[];
  workspace: string[];
  storage?: string;
  json: boolean;
  secrets: boolean;
  'follow-links': boolean;
  progress: boolean;
  help: boolean;
  in?: string;
  limit?: string;
  queries?: string;
  fresh: boolean;
  rebuild: boolean;
  memories: boolean;
  'model-directory'?: string;
  server?: string;
  'allow-host': string[];
  threads?: string;
  weights?: string;
  shared?: string;
}

export function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name);
}

/** @throws UsageError */
export function parse(command: CommandName, argv: readonly string[]): Arguments {
  const options: ParseArgsOptionsConfig = {};
  for (const [name, { type, multiple, short }] of Object.entries({ ...COMMANDS[command].options, ...COMMON } as Record<
    string,
    Option
  >)) {
    options[name] = { type, ...(multiple ? { multiple } : {}), ...(short ? { short } : {}) };
  }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { ...UNSET, ...values, operands: positionals } as Arguments;
  } catch (error) {
    throw new UsageError((error as Error).message, command);
  }
}

/** The number, or the fallback. @throws UsageError unless it is a whole number of at least one */
export function wholeNumber(name: string, value: string | undefined, fallback: number, command: string): number {
  if (value === undefined) return fallback;
  if (!/^[1-9]\d*$/.test(value))
    throw new UsageError(l10n.t('{0} takes a whole number of at least 1, not “{1}”.', `--${name}`, value), command);
  return Number(value);
}

export function helpOf(command: CommandName): string {
  const { summary, operands, options, examples }: Command = COMMANDS[command];
  return [
    summary,
    '',
    l10n.t('Usage: {0}', `anchorage ${command}${operands ? ` ${operands}` : ''} [options]`),
    '',
    l10n.t('Options:'),
    ...table(
      Object.entries({ ...options, ...COMMON }).map(([name, option]) => [optionName(name, option), option.help]),
    ),
    '',
    examples.length === 1 ? l10n.t('Example:') : l10n.t('Examples:'),
    ...examples.map((example) => `  ${example}`),
  ].join('\n');
}

export function generalHelp(): string {
  return [
    l10n.t('Ask, summarize and explain over a whole workspace, entirely on this machine.'),
    '',
    l10n.t('Usage: {0}', 'anchorage COMMAND [options]'),
    '',
    l10n.t('Commands:'),
    ...table([
      ...Object.entries(COMMANDS).map(([name, { summary }]): [string, string] => [name, summary]),
      ['context', l10n.t('Print the context that the model reads for a question: rows, tokens, spans.')],
      ['mcp', l10n.t('Serve search, answers and reading to agents (Model Context Protocol).')],
      ['memory', l10n.t('Share encoded segments with a team: push, pull, status, sweep, keys.')],
      ['model', l10n.t('List, import, download and check models.')],
    ]),
    '',
    l10n.t('`anchorage COMMAND --help` shows the options of a command, `anchorage --version` the version.'),
    l10n.t('Exit codes: 0 success, 1 failure, 2 wrong usage.'),
  ].join('\n');
}

function optionName(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
