import { AppError } from '../base';
import type { Author, ChatMessage, ClientModel, Writer, WriteOptions, Written } from '../protocol';
import type { HandlerContext } from './handlers';

/** Characters of a token, fewer than in most texts: a prompt that is refused is worse than a shorter one. */
const CHARACTERS_PER_TOKEN = 3;
/** Most tokens of a prompt: more evidence than this helps no answer. */
const MOST_CONTEXT = 16_384;

/** Writes with a model of the client: it sends the prompt and receives text. Evidence and verification stay here. */
export class ClientWriter implements Writer {
  readonly author: Author;
  readonly contextTokens: number;
  /** The rows are the model's. */
  readonly bytesPerRow = 0;

  constructor(
    private readonly id: string,
    { name, contextTokens, sentTo }: ClientModel,
    private readonly client: Pick<HandlerContext, 'request' | 'texts'>,
  ) {
    this.author = { kind: 'chosen', model: name, ...(sentTo === undefined ? {} : { sentTo }) };
    this.contextTokens = Math.min(MOST_CONTEXT, contextTokens);
  }

  countChats(chats: readonly (readonly ChatMessage[])[]): Promise<readonly number[]> {
    const characters = (chat: readonly ChatMessage[]) => chat.reduce((sum, { content }) => sum + content.length, 0);
    return Promise.resolve(chats.map((chat) => Math.ceil(characters(chat) / CHARACTERS_PER_TOKEN)));
  }

  async write(chat: readonly ChatMessage[], { maxNewTokens, signal, onText }: WriteOptions): Promise<Written> {
    const { id, client } = this;
    const started = performance.now();
    let first: number | undefined;
    let heard = '';
    client.texts.set(id, (text) => {
      first ??= performance.now() - started;
      heard += text;
      onText(text);
    });
    const [promptTokens = 0] = await this.countChats([chat]);
    const written = (text: string, stopped: Written['stopped']): Written => {
      const spent = performance.now() - started;
      const read = first ?? spent;
      const newTokens = Math.ceil(text.length / CHARACTERS_PER_TOKEN);
      return { text, promptTokens, newTokens, stopped, timing: { read, decode: spent - read, firstToken: read } };
    };
    try {
      return written((await client.request('writer/write', { id, chat, maxNewTokens }, signal)).text, 'end');
    } catch (error) {
      if (signal?.aborted) return written(heard, 'cancelled');
      const reason = error instanceof Error ? error.message : String(error);
      throw new AppError('modelFailed', `The chat's model did not answer. ${reason}`);
    } finally {
      client.texts.delete(id);
    }
  }
}
