import type { Answer, AnswerEvent, ChatMessage, Readiness, Writer, Written } from '../../src/protocol';
import { describe, expect, test } from 'vitest';
import { ask, prepareAnswer } from '../../src/assistant/ask';
import { splitLines, textOfLines } from '../../src/base';
import { sha256 } from '../../src/base/node';
import { MemoryLibrary } from './memory-library';

const FILES = {
  'src/session.py': `"""Sessions keep cookies between requests."""
from .adapters import HTTPAdapter


class Session:
    """A session over which requests are sent."""

    def __init__(self):
        self.adapters = {}
        self.mount("https://", HTTPAdapter())

    def mount(self, prefix, adapter):
        """Registers a connection adapter to a prefix.

        Adapters are sorted in descending order by prefix length.
        """
        self.adapters[prefix] = adapter
        keys_to_move = [k for k in self.adapters if len(k) < len(prefix)]
        for key in keys_to_move:
            self.adapters[key] = self.adapters.pop(key)

    def get_adapter(self, url):
        """Returns the appropriate connection adapter for the given URL."""
        for prefix, adapter in self.adapters.items():
            if url.lower().startswith(prefix.lower()):
                return adapter
        raise InvalidSchema(f"No connection adapters were found for {url!r}")

    def send(self, request):
        """Send a given PreparedRequest."""
        adapter = self.get_adapter(url=request.url)
        return adapter.send(request)
`,
  'src/adapters.py': `DEFAULT_RETRIES = 3


class HTTPAdapter:
    """The built-in HTTP Adapter."""

    def send(self, request):
        """Sends a request and returns the response."""
        return self.pool.urlopen(request.url, retries=DEFAULT_RETRIES)
`,
  'docs/guide.md': `# Guide

## Adapters

Mount your own adapter to change how a prefix is reached. The longest prefix wins.

## Install

Run the installer.
`,
};

async function answer(
  question: string,
  writer?: Writer,
  files: Record<string, string> = FILES,
): Promise<{ answer: Answer; events: AnswerEvent[]; library: MemoryLibrary }> {
  const library = new MemoryLibrary(files);
  const events: AnswerEvent[] = [];
  return {
    answer: await ask(
      { id: 'q', question, scope: { kind: 'workspace' } },
      {
        library,
        search: library,
        ...(writer ? { writer: async () => ({ writer }) } : {}),
        emit: (event) => events.push(event),
      },
    ),
    events,
    library,
  };
}

/**
 * Checks that every citation has the text of the file at its lines, and that every quoted line is in the file cited
 * before it.
 */
async function expectTrue({
  answer: { citations, markdown },
  library,
}: {
  answer: Answer;
  library: MemoryLibrary;
}): Promise<void> {
  expect(citations.length).toBeGreaterThan(0);
  for (const citation of citations) {
    const text = textOfLines(
      splitLines((await library.read(citation.file)).text),
      citation.startLine,
      citation.endLine,
    );
    expect(citation.text).toBe(text);
    expect(citation.hash).toBe(sha256(text));
    expect(markdown).toContain(`[${citation.number}]`);
  }
  const sources = [...library.files.values()].flatMap((text) => splitLines(text).map((line) => line.trim()));
  for (const [, quoted = ''] of markdown.matchAll(/```\w*\n([\s\S]*?)\n```/g)) {
    for (const line of quoted.split('\n')) if (line.trim() !== '…') expect(sources).toContain(line.trim());
  }
}

describe('without a model', () => {
  test('the best place comes first, with its comment, lines and calls', async () => {
    const asked = await answer('How does the session choose the adapter for a url?');
    await expectTrue(asked);
    const { markdown, citations, author, notices } = asked.answer;
    expect(author).toEqual({ kind: 'extractive' });
    expect(notices).toEqual([]);
    expect(markdown.split('\n')[0]).toBe('Best match: `Session.get_adapter` in `src/session.py` [1].');
    expect(markdown).toContain('Returns the appropriate connection adapter for the given URL.');
    expect(markdown).toContain('if url.lower().startswith(prefix.lower()):');
    expect(citations[0]).toMatchObject({ path: 'src/session.py', label: 'Session.get_adapter' });
  });

  test('calls of a method are listed only if the definition is certain', async () => {
    const asked = await answer('How does `Session.send` send a prepared request?');
    const { markdown } = asked.answer;
    expect(markdown).toContain('`Session.send` calls:');
    expect(markdown).toContain('- `Session.get_adapter` in `src/session.py`');
    // adapter.send could belong to either class, so it is not listed.
    expect(markdown).not.toMatch(/calls:\n\n(?:- .*\n)*- `HTTPAdapter.send`/);
  });

  test('the callers of a function are the lines that name it', async () => {
    const asked = await answer('Who calls get_adapter?');
    await expectTrue(asked);
    expect(asked.answer.markdown).toContain('`get_adapter` is used in 1 place outside its definition:');
    expect(asked.answer.markdown).toContain('adapter = self.get_adapter(url=request.url)');
  });

  test('prose is quoted as prose', async () => {
    const asked = await answer('Which prefix wins when I mount my own adapter?');
    await expectTrue(asked);
    expect(asked.answer.markdown).toContain(
      '> Mount your own adapter to change how a prefix is reached. The longest prefix wins.',
    );
  });

  test('a notice lists a name that no file contains', async () => {
    const {
      answer: { notices },
    } = await answer('What does fetch_everything do with a session?');
    expect(notices.join(' ')).toContain('`fetch_everything` does not occur in the indexed files.');
  });

  test('a question that no source answers gets one line, and the model is not asked', async () => {
    const writer = new ScriptedWriter('Session.mount bakes bread. [1]');
    for (const question of ['How does the session bake sourdough bread at dawn?', 'What does bake_bread return?']) {
      const { answer: refused, events } = await answer(question, writer);
      expect(refused.markdown).toMatch(/^No good match\. Closest: [^\n]* \[1\]\.$/);
      expect(refused.citations).toHaveLength(1);
      expect(refused.author).toEqual({ kind: 'extractive' });
      expect(writer.prompt).toBe('');
      expect(events.some((event) => event.type === 'delta' && event.markdown === refused.markdown)).toBe(true);
    }
  });

  test('a search without results says so', async () => {
    const {
      answer: { markdown, citations },
    } = await answer('zebra quagga');
    expect(markdown).toMatch(/Nothing in the indexed files matches/);
    expect(citations).toEqual([]);
  });

  test('a file that is deleted after the search is left out', async () => {
    const library = new MemoryLibrary(FILES);
    const rank = library.rank.bind(library);
    library.rank = async (...args) => {
      const found = await rank(...args);
      library.files.delete('/w/src/session.py');
      return found;
    };
    const gone = await ask(
      { id: 'q', question: 'How does HTTPAdapter send a request?', scope: { kind: 'workspace' } },
      { library, search: library },
    );
    expect(gone.citations.every(({ path }) => path !== 'src/session.py')).toBe(true);
    expect(gone.markdown).toContain('`HTTPAdapter.send`');
  });

  test('a selection without any word of the question is still quoted', async () => {
    const library = new MemoryLibrary(FILES);
    library.rank = async () => ({ spans: [], coverage: { filesIndexed: 0, filesKnown: 3, indexing: true } });
    const selected = await ask(
      {
        id: 'q',
        question: 'zebra?',
        scope: { kind: 'selection', file: '/w/src/adapters.py', startLine: 7, endLine: 9 },
      },
      { library, search: library },
    );
    expect(selected.citations[0]).toMatchObject({ path: 'src/adapters.py' });
    expect(selected.notices.join(' ')).toContain('uses 0 of 3 files');
  });

  test('a cancelled question throws the cancellation', async () => {
    const library = new MemoryLibrary(FILES);
    const controller = new AbortController();
    const asked = ask(
      { id: 'q', question: 'send', scope: { kind: 'workspace' } },
      { library, search: library, signal: controller.signal, emit: () => controller.abort() },
    );
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });
});

/** A writer that returns a given text. A token is four characters. */
class ScriptedWriter implements Writer {
  readonly author = { kind: 'chosen', model: 'scripted' } as const;
  readonly bytesPerRow = 10;
  prompt = '';

  constructor(
    private readonly reply: string | Error,
    readonly contextTokens = 4_000,
    private readonly stopped: Written['stopped'] = 'end',
  ) {}

  async countChats(chats: readonly (readonly ChatMessage[])[]): Promise<number[]> {
    return chats.map((chat) => chat.reduce((sum, { content }) => sum + 4 + Math.ceil(content.length / 4), 0));
  }

  async write(chat: readonly ChatMessage[], { onText }: Parameters<Writer['write']>[1]): Promise<Written> {
    if (this.reply instanceof Error) throw this.reply;
    this.prompt = chat.map(({ content }) => content).join('\n');
    for (const piece of this.reply.match(/.{1,9}/gs) ?? []) onText(piece);
    const [promptTokens = 0] = await this.countChats([chat]);
    return {
      text: this.reply,
      promptTokens,
      newTokens: Math.ceil(this.reply.length / 4),
      stopped: this.stopped,
      timing: { read: 5, decode: 7, firstToken: 6 },
    };
  }
}

describe('with a model', () => {
  const question = 'How does the session choose the adapter for a url?';
  const CARRIED = 'Adapters are sorted in descending order by prefix length.';

  const texts = (events: readonly AnswerEvent[], type: 'delta' | 'prose'): string =>
    events.flatMap((event) => (event.type === type ? [event.markdown] : [])).join('');

  test('the quotes are shown before the model writes, and its prose stands above them', async () => {
    const { answer: written, events } = await answer(question, new ScriptedWriter(CARRIED));
    const kinds = events.map(({ type }) => type);
    expect(kinds.indexOf('delta')).toBeLessThan(kinds.indexOf('prose'));
    expect(written.prose).toMatch(/^Adapters are sorted in descending order by prefix length \[\d+\]\.$/);
    expect(written.markdown).toBe(`${written.prose}\n\n${texts(events, 'delta')}`);
    expect(texts(events, 'prose')).toBe(written.prose);
    expect(written.author).toEqual({ kind: 'chosen', model: 'scripted' });
    const [, number] = /\[(\d+)\]/.exec(written.prose ?? '') ?? [];
    const citation = written.citations.find((each) => each.number === Number(number));
    expect(citation?.text).toContain('descending order');
    expect(written.ledger.groups.at(-1)).toMatchObject({ kind: 'answer' });
  });

  test.each([
    ['a name that the sources do not have', 'Adapters are sorted in descending order by `quantum_tunnel` length.'],
    ['words that the sources do not have', 'It bakes sourdough bread at dawn.'],
    ['nothing but the question', 'The session chooses the adapter for the url.'],
    ['a number that the sources do not have', '17 adapters are sorted in descending order by prefix length.'],
  ])('a sentence with %s is not shown', async (_, sentence) => {
    const { answer: written, events } = await answer(question, new ScriptedWriter(`${CARRIED} ${sentence}`));
    expect(written.prose).toMatch(/by prefix length \[\d+\]\.$/);
    expect(texts(events, 'prose')).toBe(written.prose);
  });

  test('if nothing is carried, the quotes stand alone and a notice says why', async () => {
    const {
      answer: { prose, author, notices },
    } = await answer(question, new ScriptedWriter('It bakes bread.'));
    expect(prose).toBe(undefined);
    expect(author).toEqual({ kind: 'extractive' });
    expect(notices).toEqual(['What the model wrote is not in the sources, so it is not shown.']);
  });

  test('the prompt fits the context and the reading speed; the best unit is nearest to the question', async () => {
    const long = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `m${index}.py`,
        `def adapter_${index}(url):\n    """Session adapter for a url."""\n${'    session.adapter(url)\n'.repeat(30)}`,
      ]),
    );
    const units = async (writer: ScriptedWriter): Promise<number> => {
      const { answer: written } = await answer(question, writer, long);
      const [promptTokens = 0] = await writer.countChats([[{ role: 'user', content: writer.prompt }]]);
      expect(promptTokens).toBeLessThanOrEqual(writer.contextTokens);
      expect(writer.prompt.trimEnd()).toMatch(/Question: How does the session choose[^\n]*\n[^\n]*$/);
      return written.ledger.groups.filter(({ kind }) => kind === 'full').length;
    };
    class Measured extends ScriptedWriter {
      constructor(
        private readonly tokensPerSecond: number,
        private readonly isHeld: boolean,
      ) {
        super(CARRIED);
      }
      readiness = async (_: readonly ChatMessage[], quotes: readonly string[]): Promise<Readiness> => ({
        held: quotes.map(() => this.isHeld),
        tokensPerSecond: this.tokensPerSecond,
      });
    }
    const slow = await units(new Measured(1, false));
    expect(slow).toBe(1);
    expect(await units(new Measured(200, false))).toBeGreaterThan(slow);
    expect(await units(new Measured(1, true))).toBeGreaterThan(slow);
    expect(await units(new ScriptedWriter(CARRIED, 700))).toBe(1);
  });

  test('tests are read only if the question asks for them, or nothing else is found', async () => {
    const tested = {
      'src/session.py': FILES['src/session.py'],
      'tests/test_session.py': 'def test_session_adapter_url():\n    assert session.choose(adapter, url) == 21\n',
    };
    const reads = async (asked: string, files: Record<string, string> = tested): Promise<boolean> => {
      const writer = new ScriptedWriter(CARRIED);
      await answer(asked, writer, files);
      return writer.prompt.includes('def test_session');
    };
    expect(await reads(question)).toBe(false);
    expect(await reads('Which test asserts that the session chooses the adapter for a url?')).toBe(true);
    expect(await reads(question, { 'tests/test_session.py': tested['tests/test_session.py'] })).toBe(true);
  });

  test('a question longer than the context is answered by quotes', async () => {
    const { answer: quoted } = await answer(`session ${'adapter '.repeat(2_000)}`, new ScriptedWriter('', 500));
    expect(quoted.author).toEqual({ kind: 'extractive' });
    expect(quoted.notices.join(' ')).toMatch(/the question takes [\d,]+ tokens/);
  });

  test('if the model fails, the quotes remain and a notice gives the reason', async () => {
    const asked = await answer(question, new ScriptedWriter(new Error('the model process ended')));
    expect(asked.answer.author).toEqual({ kind: 'extractive' });
    expect(asked.answer.notices[0]).toContain('the model process ended');
    await expectTrue(asked);
  });

  test('without results the model is not asked, and no notice says it is missing', async () => {
    const writer = new ScriptedWriter('Something.');
    const {
      answer: { author, notices },
    } = await answer('xylophone zeppelin?', writer);
    expect(author).toEqual({ kind: 'extractive' });
    expect(notices).toEqual([]);
    expect(writer.prompt).toBe('');
  });

  test('a stop ends the answer at once, even if the model does not end, and keeps the quotes', async () => {
    const library = new MemoryLibrary(FILES);
    const controller = new AbortController();
    const writer = new ScriptedWriter(CARRIED);
    writer.write = () => {
      controller.abort();
      return new Promise(() => {});
    };
    const stopped = await ask(
      { id: 'q', question, scope: { kind: 'workspace' } },
      { library, search: library, writer: async () => ({ writer }), signal: controller.signal },
    );
    expect(stopped.notices).toEqual(['Stopped.']);
    expect(stopped.markdown).toContain('Best match:');
  });

  test('times are counted from the moment the user asked', async () => {
    const library = new MemoryLibrary(FILES);
    const asked = Date.now() - 5_000;
    const { timing } = await ask(
      { id: 'q', question, scope: { kind: 'workspace' }, asked },
      { library, search: library },
    );
    expect(timing.total).toBeGreaterThanOrEqual(4_900);
    expect(timing.firstToken).toBeGreaterThanOrEqual(4_900);
  });

  test('a question that is being typed is read ahead with the units of its answer', async () => {
    const library = new MemoryLibrary(FILES);
    const writer = new ScriptedWriter(CARRIED);
    const ahead: (readonly string[])[] = [];
    const reading = Object.assign(writer, {
      readAhead: async (_: readonly ChatMessage[], quotes: readonly string[]) => void ahead.push(quotes),
    });
    const tools = { library, search: library, writer: async () => ({ writer: reading }) };
    const request = { id: 'q', question, scope: { kind: 'workspace' } } as const;
    expect(await prepareAnswer(request, tools)).toBe(true);
    await ask(request, tools);
    expect(ahead[0]?.length).toBeGreaterThan(0);
    for (const quote of ahead[0] ?? []) expect(writer.prompt).toContain(quote);
    expect(await prepareAnswer({ ...request, question: 'xylophone zeppelin?' }, tools)).toBe(false);
  });
});
