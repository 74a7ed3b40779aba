/** A model that chooses among the server's tools, prompted by its own chat template. */
import { basename, join } from 'node:path';
import { type ChatMessage, Decoder, type DecoderContext, full, openCheckpoint } from '../../../src/engine';
import { KeptRows } from '../../../src/inference/kept-rows';
import { INSTRUCTIONS } from '../../../src/mcp/instructions';
import { TOOLS } from '../../../src/mcp/tools';

const CONTEXT = 8_000;
const MOST_TOKENS = 120;
const SYSTEM = 'You work on a code base that you see only through tools. Use them before you answer.';

/** Texts to try in place of the server's own. */
export interface Trial {
  instructions?: string;
  /** Names of the tools in the order in which they are listed. */
  order?: readonly string[];
  /** Descriptions by the tool's name. */
  descriptions?: Readonly<Record<string, string>>;
}

/** One turn of a model. */
export interface Turn {
  text: string;
  /** The context after it, to go on from. */
  context: DecoderContext;
}

export class Chooser {
  /** The turn that lists the tools, the same for every task. Its rows are kept on disk. */
  readonly prefix: string;
  readonly fingerprint: string;
  readonly #prompt: Prompt;
  readonly #model: () => Promise<Decoder>;
  #reading: Promise<DecoderContext> | undefined;
  #decoder: Decoder | undefined;

  private constructor(prefix: string, fingerprint: string, prompt: Prompt, model: () => Promise<Decoder>) {
    this.prefix = prefix;
    this.fingerprint = fingerprint;
    this.#prompt = prompt;
    this.#model = model;
  }

  /** Reads the prompt only. The model is opened when it is asked for what no earlier run has stored. */
  static async open(path: string, { instructions = INSTRUCTIONS, order, descriptions }: Trial = {}): Promise<Chooser> {
    const checkpoint = await openCheckpoint(path);
    const template = await checkpoint.openChatTemplate();
    if (!template) throw new Error(`${path} has no chat template.`);
    const tokenizer = await checkpoint.openTokenizer();
    await checkpoint.close();
    const listed = order ? order.map((name) => TOOLS.find((tool) => tool.name === name) ?? unknown(name)) : TOOLS;
    const tools = listed.map(({ name, description, input }) => ({
      type: 'function',
      function: { name, description: descriptions?.[name] ?? description, parameters: input },
    }));
    const system = `${SYSTEM}\n\n${instructions}`.trim();
    const prompt: Prompt = {
      encode: (text) => [...tokenizer.encode(text)],
      decode: (ids) => tokenizer.decode(ids),
      render: (messages) =>
        template.render([{ role: 'system', content: system }, ...messages], { variables: { tools } }),
    };
    const mark = 'TASK';
    const [before = ''] = prompt.render([{ role: 'user', content: mark }]).split(mark);
    console.log(`${basename(path)}: ${tools.length} tools, ${prompt.encode(before).length} tokens of descriptions`);
    return new Chooser(before, checkpoint.fingerprint, prompt, async () => {
      const opened = await openCheckpoint(path);
      const decoder = await Decoder.open(opened, { cacheDirectory: join('.cache', 'bench', 'models') });
      await opened.close();
      return decoder;
    });
  }

  /**
   * Lets the model write its first turn about a task.
   *
   * @param forced start of the turn, as clients force it that require a call
   * @param until ends the turn after a text that matches
   */
  async first(task: string, { forced = '', until }: { forced?: string; until: RegExp }): Promise<Turn> {
    const text = this.#prompt.render([{ role: 'user', content: task }]).slice(this.prefix.length);
    const base = await (this.#reading ??= this.#readPrefix());
    return this.#write(base.fork(), text + forced, forced, until);
  }

  /** Lets the model go on after a tool's result. */
  next({ text, context }: Turn, result: string, until: RegExp): Promise<Turn> {
    const mark = 'WRITTEN';
    const rendered = this.#prompt.render([
      { role: 'user', content: '' },
      { role: 'assistant', content: mark },
      { role: 'tool', content: result },
    ]);
    const closing = text.includes('</tool_call>') || !text.includes('<tool_call>') ? '' : '\n</tool_call>';
    return this.#write(context, closing + rendered.slice(rendered.indexOf(mark) + mark.length), '', until);
  }

  async close(): Promise<void> {
    await this.#decoder?.close();
  }

  async #readPrefix(): Promise<DecoderContext> {
    const decoder = (this.#decoder = await this.#model());
    const { layers, kvHeads, headDim } = decoder.config;
    const options = {
      model: `${this.fingerprint}:${decoder.compiled.digest}`,
      shape: { layers, kvHeads, headDim, type: decoder.cache },
      directory: join('.cache', 'bench', 'tools', 'rows'),
    };
    let kept = await KeptRows.open(options);
    const key = kept.key([this.prefix]);
    if (!kept.has(key)) {
      const ids = this.#prompt.encode(this.prefix);
      const reading = decoder.newContext(full(), ids.length);
      await reading.prefill(ids, { logits: 'none' });
      kept.set(key, reading.rowsAt(0, ids.length));
      await kept.save();
      // Every run reads the same rows, those with the 8 bits per value of the disk.
      kept = await KeptRows.open(options);
    }
    const rows = await kept.get(key);
    if (!rows) throw new Error('The rows of the tools’ list cannot be kept.');
    const base = decoder.newContext(full(), CONTEXT);
    base.splice(rows, 0, 'tools');
    return base;
  }

  async #write(context: DecoderContext, text: string, forced: string, until: RegExp): Promise<Turn> {
    const { encode, decode } = this.#prompt;
    const end = encode('<|im_end|>').at(-1);
    const { logits } = await context.prefill(encode(text), { logits: 'last' });
    const ids: number[] = [];
    for (let next = best(logits); next !== end && ids.length < MOST_TOKENS;) {
      ids.push(next);
      const written = forced + decode(ids);
      const following = await context.decode(next);
      if (until.test(written)) break;
      next = best(following);
    }
    return { text: forced + decode(ids), context };
  }
}

interface Prompt {
  encode(text: string): number[];
  decode(ids: number[]): string;
  render(messages: readonly ChatMessage[]): string;
}

function unknown(name: string): never {
  throw new Error(`The server has no tool ${name}.`);
}

function best(logits: ArrayLike<number>): number {
  let at = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[at] as number)) at = i;
  return at;
}
