/** Writes with a model that another program serves: Ollama, LM Studio, llama-server. */
import type { Author, ChatMessage, Writer, WriteOptions, Written } from '../../protocol';
import type { ServerChoice } from './address';
import { readChatStream } from './chat-stream';
import { failed, getJson, send } from './http';

/** Milliseconds. */
const PATIENCE = {
  /** Between two tokens, and for the prompt to be read. */
  silence: 120_000,
  /** For questions about the server. */
  probe: 2_000,
};
/** Window of a server that does not tell it: Ollama's default. */
const USUAL_CONTEXT = 4_096;
const MOST_CONTEXT = 16_384;
/** Characters of a token, fewer than in most texts: a prompt that is cut by the server is worse than a shorter one. */
const CHARACTERS_PER_TOKEN = 3;
/** Tokens of a message's frame in the template. */
const FRAME_TOKENS = 8;
/** Longest token, for ending a server that does not stop. */
const MOST_PER_TOKEN = 16;

export class ServerWriter implements Writer {
  readonly author: Author;
  /** The rows are the server's. */
  readonly bytesPerRow = 0;

  private constructor(
    private readonly server: ServerChoice,
    readonly contextTokens: number,
    private readonly silence: number,
  ) {
    const { model, host, isLoopback } = server;
    this.author = { kind: 'chosen', model: `${model} (${host})`, ...(isLoopback ? {} : { sentTo: host }) };
  }

  /** Connects, and checks that the server has the model. @throws AppError('modelFailed') */
  static async connect(
    server: ServerChoice,
    { signal, silence = PATIENCE.silence }: { signal?: AbortSignal; silence?: number } = {},
  ): Promise<ServerWriter> {
    const names = await serverModels(server.base, signal);
    if (!names.includes(server.model) && !names.includes(`${server.model}:latest`))
      throw failed(server.host, `has no model “${server.model.slice(0, 100)}”`);
    return new ServerWriter(server, await contextOf(server, signal), silence);
  }

  countChats(chats: readonly (readonly ChatMessage[])[]): Promise<readonly number[]> {
    const tokens = (chat: readonly ChatMessage[]) =>
      chat.reduce((sum, { content }) => sum + FRAME_TOKENS + Math.ceil(content.length / CHARACTERS_PER_TOKEN), 0);
    return Promise.resolve(chats.map(tokens));
  }

  async write(chat: readonly ChatMessage[], { maxNewTokens, signal, onText }: WriteOptions): Promise<Written> {
    const { server } = this;
    const started = performance.now();
    let first: number | undefined;
    let text = '';
    const note = (part: string): void => {
      first ??= performance.now() - started;
      text += part;
      onText(part);
    };
    const [promptTokens = 0] = await this.countChats([chat]);
    const timing = (): Written['timing'] => {
      const spent = performance.now() - started;
      const read = first ?? spent;
      return { read, decode: spent - read, firstToken: read };
    };
    const parts = send({
      url: `${server.base}/chat/completions`,
      body: { model: server.model, messages: chat, stream: true, temperature: 0, max_tokens: maxNewTokens },
      signal,
      silence: this.silence,
    });
    try {
      const most = maxNewTokens * MOST_PER_TOKEN;
      const made = await readChatStream(parts, { host: server.host, most, onText: note });
      const stopped = made.finish === 'length' ? 'length' : 'end';
      return { text: made.text, promptTokens, newTokens: made.tokens, stopped, timing: timing() };
    } catch (error) {
      if (!signal?.aborted) throw error;
      return { text, promptTokens, newTokens: 0, stopped: 'cancelled', timing: timing() };
    }
  }
}

/** Names of a server's models. @throws AppError('modelFailed') */
export async function serverModels(base: string, signal?: AbortSignal, silence = PATIENCE.probe): Promise<string[]> {
  const list = await getJson({ url: `${base}/models`, signal, silence });
  const { data } = (typeof list === 'object' && list !== null ? list : {}) as { data?: unknown };
  if (!Array.isArray(data)) throw failed(new URL(base).host, 'does not list its models');
  return data.flatMap((entry: unknown) => {
    const { id } = (typeof entry === 'object' && entry !== null ? entry : {}) as { id?: unknown };
    return typeof id === 'string' && id !== '' ? [id] : [];
  });
}

/** The window: llama-server and LM Studio tell it. */
async function contextOf({ base, model }: ServerChoice, signal: AbortSignal | undefined): Promise<number> {
  const root = base.replace(/\/v1$/, '');
  const ask = (path: string) =>
    getJson({ url: `${root}${path}`, signal, silence: PATIENCE.probe }).then(
      (json) => json as Record<string, unknown> | null,
      () => undefined,
    );
  const props = (await ask('/props'))?.['default_generation_settings'] as { n_ctx?: unknown } | undefined;
  const studio = (await ask(`/api/v0/models/${encodeURIComponent(model)}`))?.['loaded_context_length'];
  const told = [props?.n_ctx, studio].find((value) => typeof value === 'number' && value >= 512) as number | undefined;
  return Math.min(MOST_CONTEXT, told ?? USUAL_CONTEXT);
}
