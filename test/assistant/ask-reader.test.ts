import type { Author, ChatMessage, Writer } from '../../src/protocol';
import { describe, expect, test } from 'vitest';
import { ask } from '../../src/assistant/ask';
import { MemoryLibrary } from './memory-library';

const FILES = {
  'src/pool.py': `DEFAULT_SIZE = 10


def take(host, size=DEFAULT_SIZE):
    """Takes an idle connection of a host, or opens a new one."""
    return pools.setdefault(host, Pool(size)).get()
`,
};

/** A writer of a fixed text, which keeps what it is asked to read. */
class Fixed implements Writer {
  chat: readonly ChatMessage[] = [];
  readonly bytesPerRow = 100;

  constructor(
    readonly author: Author,
    private readonly text: string,
    readonly contextTokens = 4_000,
    readonly anyLength = false,
  ) {}

  countChats = (chats: readonly (readonly ChatMessage[])[]) =>
    Promise.resolve(chats.map((chat) => Math.ceil(chat.reduce((sum, { content }) => sum + content.length, 0) / 4)));

  write: Writer['write'] = (chat, { onText }) => {
    this.chat = chat;
    onText(this.text);
    const timing = { read: 1, decode: 1, firstToken: 1 };
    return Promise.resolve({ text: this.text, promptTokens: 10, newTokens: 10, stopped: 'end', timing });
  };
}

const bundled = { kind: 'bundled', model: 'anchorage-reader-135m' } as const;
const chosen = { kind: 'chosen', model: 'other' } as const;

async function asked(question: string, writer: Writer) {
  const library = new MemoryLibrary(FILES);
  return ask(
    { id: 'q', question, scope: { kind: 'workspace' } },
    { library, search: library, writer: async () => ({ writer }) },
  );
}

describe('the bundled reader', () => {
  const question = 'What does take do with a host?';

  test('is asked in the form that it was trained with', async () => {
    const writer = new Fixed(bundled, 'The function `take` takes an idle connection of a host.');
    const answer = await asked(question, writer);
    expect(writer.chat[0]?.content).toMatch(/^You answer questions about source files from the evidence below/);
    expect(writer.chat[1]?.content).toMatch(/^src\/pool\.py lines \d+-\d+\n/);
    expect(writer.chat[1]?.content.endsWith(`\n\nQuestion: ${question}`)).toBe(true);
    expect(answer.prose).toContain('takes an idle connection');
    expect(answer.author).toEqual(bundled);
    const other = new Fixed(chosen, '');
    await asked(question, other);
    expect(other.chat[1]?.content).not.toMatch(/^src\/pool\.py lines/);
  });

  test('says nothing where it abstains or where the sources do not carry its text', async () => {
    for (const text of ['The sources do not say.', 'It closes all 44 sockets of the kernel.']) {
      const answer = await asked(question, new Fixed(bundled, text));
      expect(answer.prose).toBeUndefined();
      expect(answer.author).toEqual({ kind: 'extractive' });
      expect(answer.notices).toEqual([]);
      expect(answer.markdown).toContain('take');
    }
  });
});

test('a question longer than the context is read whole by a model that reads any length', async () => {
  const log = `What does take do with a host? ${'connection refused by host; '.repeat(800)}`;
  const writer = new Fixed(chosen, 'The function `take` takes an idle connection of a host.', 2_000, true);
  await asked(log, writer);
  expect(writer.chat[1]?.content).toContain(log);
  expect(writer.chat[1]?.content).toContain('def take');
  const narrow = new Fixed(chosen, '', 2_000);
  expect((await asked(log, narrow)).notices.join()).toMatch(/takes [\d,]+ tokens/);
  expect(narrow.chat).toEqual([]);
});
