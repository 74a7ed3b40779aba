import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { CheckpointError } from '../checkpoint/errors';
import { exists, fileInside, readTextFile } from '../checkpoint/files';
import { isObject, readJson } from '../checkpoint/json';
import { TimeLimitError, withTimeLimit } from './time-limit';

const TEMPLATE_FILE = 'chat_template.jinja';
const CONFIG = 'tokenizer_config.json';
const MAX_TEMPLATE_CHARS = 256 << 10;
/** The parser's time grows with the square of a run of white space. */
const MAX_SPACES = 500;
const SPACES = new RegExp(`\\s{${MAX_SPACES + 1}}`);
const MAX_CONFIG_BYTES = 16 << 20;

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
}

export interface ChatOptions {
  /** Ends with the opening of the assistant's turn (default true). */
  addGenerationPrompt?: boolean;
  /** Tokens that templates name. */
  bosToken?: string;
  eosToken?: string;
  /** More variables for the template, e.g. `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
}

/** Bounds of one rendering. Templates of published models take some thousand steps for a long conversation. */
const LIMIT = { steps: 250_000, milliseconds: 1_000, listLength: 100_000, textFactor: 8, textFloor: 1 << 20 };
/** A single step (a replacement in a long text) cannot be counted, only stopped. */
const HARD_LIMIT_MS = 1.25 * LIMIT.milliseconds;

type Program = ReturnType<typeof parse>;
type Evaluate = Interpreter['evaluate'];

/** A checkpoint's chat template, compiled. Running it is bounded in steps, time and size of what it builds. */
export class ChatTemplate {
  readonly file: string;
  private readonly program: Program;

  private constructor(file: string, program: Program) {
    this.file = file;
    this.program = program;
  }

  /**
   * The template of a checkpoint folder: `chat_template.jinja`, or `chat_template` in tokenizer_config.json (of
   * several, the one named "default").
   *
   * @returns undefined when the checkpoint has none: a base model
   * @throws CheckpointError
   */
  static async open(directory: string): Promise<ChatTemplate | undefined> {
    if (await exists(directory, TEMPLATE_FILE)) {
      const path = await fileInside(directory, TEMPLATE_FILE);
      return ChatTemplate.parse(await readTextFile(path, 4 * MAX_TEMPLATE_CHARS), path);
    }
    if (!(await exists(directory, CONFIG))) return undefined;
    const path = await fileInside(directory, CONFIG);
    const config = await readJson(path, MAX_CONFIG_BYTES);
    const text = templateText(isObject(config) ? config['chat_template'] : undefined, path);
    return text === undefined ? undefined : ChatTemplate.parse(text, path);
  }

  /** @throws CheckpointError `malformed`, `outOfRange` or `timeout` */
  static parse(text: string, file: string): ChatTemplate {
    if (text.length > MAX_TEMPLATE_CHARS)
      throw new CheckpointError('outOfRange', file, 'chat_template', `has ${text.length} characters`);
    if (SPACES.test(text))
      throw new CheckpointError(
        'outOfRange',
        file,
        'chat_template',
        `has over ${MAX_SPACES} white-space characters in a row`,
      );
    try {
      const options = { lstrip_blocks: true, trim_blocks: true };
      return new ChatTemplate(
        file,
        withTimeLimit(HARD_LIMIT_MS, () => parse(tokenize(text, options))),
      );
    } catch (error) {
      throw new CheckpointError(
        error instanceof TimeLimitError ? 'timeout' : 'malformed',
        file,
        'chat_template',
        `cannot be parsed: ${reasonOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  /** The conversation as one text, ready to be encoded without further special tokens. @throws CheckpointError */
  render(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const environment = new Environment();
    const inputLength = messages.reduce((sum, message) => sum + message.content.length, 0);
    setGlobals(environment);
    const variables = {
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
      bos_token: options.bosToken ?? '',
      eos_token: options.eosToken ?? '',
      ...options.variables,
    };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      const interpreter = new BoundedInterpreter(environment, LIMIT.textFloor + LIMIT.textFactor * inputLength);
      const result: unknown = withTimeLimit(HARD_LIMIT_MS, () => interpreter.run(this.program).value);
      if (typeof result !== 'string') throw new TypeError('its result is not text');
      return result;
    } catch (error) {
      const code = error instanceof LimitError || error instanceof TimeLimitError ? 'timeout' : 'malformed';
      throw new CheckpointError(code, this.file, 'chat_template', `failed: ${reasonOf(error)}`, { cause: error });
    }
  }
}

class LimitError extends Error {}

/**
 * Counts the steps of a template and checks the size of each result. Neither a loop nor a value that doubles itself
 * runs away.
 */
class BoundedInterpreter extends Interpreter {
  private readonly maxText: number;
  private readonly deadline = performance.now() + LIMIT.milliseconds;
  private steps = 0;

  constructor(environment: Environment, maxText: number) {
    super(environment);
    this.maxText = maxText;
  }

  override evaluate(...[statement, environment]: Parameters<Evaluate>): ReturnType<Evaluate> {
    this.steps++;
    if (this.steps > LIMIT.steps) throw new LimitError(`runs for more than ${LIMIT.steps} steps`);
    if (this.steps % 256 === 0 && performance.now() > this.deadline)
      throw new LimitError(`runs for more than ${LIMIT.milliseconds} ms`);
    const result = super.evaluate(statement, environment);
    const value: unknown = result.value;
    if (typeof value === 'string' && value.length > this.maxText)
      throw new LimitError(`builds a text of more than ${this.maxText} characters`);
    if (Array.isArray(value) && value.length > LIMIT.listLength)
      throw new LimitError(`builds a list of more than ${LIMIT.listLength} items`);
    return result;
  }
}

/** The globals of chat templates; `range` is bounded before it builds its list. */
function setGlobals(environment: Environment): void {
  for (const [name, value] of [
    ['true', true],
    ['false', false],
    ['none', null],
  ] as const) {
    environment.set(name, value);
    environment.set(name[0]?.toUpperCase() + name.slice(1), value);
  }
  environment.set('raise_exception', (message: unknown) => {
    throw new Error(`the template refuses this conversation: ${String(message).slice(0, 200)}`);
  });
  environment.set('range', boundedRange);
  environment.set('strftime_now', (format: unknown) => strftime(String(format).slice(0, 200), new Date()));
}

function boundedRange(first: unknown, second?: unknown, third?: unknown): number[] {
  const numbers = [first, second, third].map((value) => (typeof value === 'number' ? value : undefined));
  const [start, stop] = numbers[1] === undefined ? [0, numbers[0] ?? 0] : [numbers[0] ?? 0, numbers[1]];
  const step = numbers[2] ?? 1;
  const length = step === 0 ? 0 : Math.max(0, Math.ceil((stop - start) / step));
  if (step === 0) throw new Error('range() with step 0');
  if (!(length <= LIMIT.listLength)) throw new LimitError(`asks for a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** The directives of C's strftime that templates use to state today's date. */
function strftime(format: string, date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const name = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-US', options).format(date);
  const values: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    B: () => name({ month: 'long' }),
    b: () => name({ month: 'short' }),
    A: () => name({ weekday: 'long' }),
    a: () => name({ weekday: 'short' }),
    H: () => two(date.getHours()),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%([YymdBbAaHMS%])/g, (_, directive: string) => (values[directive] as () => string)());
}

function templateText(value: unknown, file: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const named = (value as unknown[]).filter((entry) => isObject(entry) && typeof entry['template'] === 'string') as {
      name?: unknown;
      template: string;
    }[];
    const chosen = named.find((entry) => entry.name === 'default') ?? named[0];
    if (chosen) return chosen.template;
  }
  throw new CheckpointError('malformed', file, 'chat_template', 'must be a text or a list of named texts');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : String(error).slice(0, 300);
}
