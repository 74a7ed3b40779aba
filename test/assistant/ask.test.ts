import type { Answer, AnswerEvent, ChatMessage, Writer, Written } from '../../src/protocol';
import { describe, expect, test } from 'vitest';
import { ask } from '../../src/assistant/ask';
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
      { library, search: library, writer, emit: (event) => events.push(event) },
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
    expect(asked.answer.markdown).toContain('`get_adapter` occurs in 1 place outside its definition:');
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

  test('the written text is streamed, verified and cited', async () => {
    const writer = new ScriptedWriter('The prefixes are compared with `startswith`. [1] It uses `quantum_tunnel`. [1]');
    const asked = await answer(question, writer);
    expect(
      asked.events
        .filter((event) => event.type === 'delta')
        .map((event) => (event.type === 'delta' ? event.markdown : ''))
        .join(''),
    ).toContain('quantum_tunnel');
    expect(asked.answer.markdown).toBe('The prefixes are compared with `startswith`. [1] It uses `quantum_tunnel`.');
    expect(asked.answer.notices.join(' ')).toContain('quantum_tunnel');
    expect(asked.answer.author).toEqual({ kind: 'chosen', model: 'scripted' });
    expect(asked.answer.citations).toHaveLength(1);
    const rows = asked.answer.ledger.groups.reduce((sum, { rows: each }) => sum + each, 0);
    expect(rows).toBeLessThanOrEqual(asked.answer.ledger.capacityRows);
    expect(asked.answer.ledger.groups.at(-1)).toMatchObject({ kind: 'answer' });
  });

  test('the prompt never exceeds the context, and a notice names spans left out', async () => {
    const long = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `m${index}.py`,
        `def adapter_${index}(url):\n    """Session adapter for a url."""\n${'    session.adapter(url)\n'.repeat(30)}`,
      ]),
    );
    for (const contextTokens of [400, 900, 2_000]) {
      const writer = new ScriptedWriter('Yes.', contextTokens);
      const {
        answer: { ledger, notices, spans },
      } = await answer(question, writer, long);
      const [promptTokens = 0] = await writer.countChats([[{ role: 'user', content: writer.prompt }]]);
      expect(promptTokens).toBeLessThanOrEqual(contextTokens);
      const quoted = ledger.groups.filter(({ kind }) => kind === 'full').length;
      expect(quoted).toBeLessThan(spans.length);
      expect(notices.join(' ')).toMatch(
        new RegExp(`${spans.length - quoted} spans left out \\(no room\\): m\\d+\\.py`),
      );
    }
  });

  test('a span that is too long is cut to the lines around the match, with a notice', async () => {
    const files = {
      'long.py': `def adapter(url):\n${Array.from({ length: 60 }, (_, i) => (i === 40 ? '    return zanzibar(url)\n' : `    step_${i}(url)\n`)).join('')}`,
    };
    const writer = new ScriptedWriter('Yes. [1]', 400);
    const {
      answer: { ledger, notices, citations },
    } = await answer('What is zanzibar?', writer, files);
    const [group] = ledger.groups.filter(({ kind }) => kind === 'full');
    expect(writer.prompt).toContain('return zanzibar(url)');
    expect(writer.prompt).not.toContain('step_1(url)');
    expect(group!.span!.startLine).toBeGreaterThan(2);
    expect(group!.span!.endLine).toBeGreaterThan(42);
    expect(citations[0]).toMatchObject({ startLine: group!.span!.startLine, endLine: group!.span!.endLine });
    expect(notices.join(' ')).toMatch(/1 span cut to fit: long\.py:/);
  });

  test('spans that do not fit are compressed to rows of the ledger, and a notice names the rest', async () => {
    const long = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `m${index}.py`,
        `def adapter_${index}(url):\n    """Session adapter for a url."""\n${'    session.adapter(url)\n'.repeat(12)}`,
      ]),
    );
    class Anchoring extends ScriptedWriter {
      readonly anchorTokens = 8;
      asked: readonly string[] = [];
      override async write(chat: readonly ChatMessage[], options: Parameters<Writer['write']>[1]): Promise<Written> {
        this.asked = options.anchors ?? [];
        const anchors = this.asked.map((_, i) => ({ rows: i === 0 ? 0 : 10, tokens: 80, origin: 'computed' as const }));
        return {
          ...(await super.write(chat, options)),
          quotes: { origins: [], anchors, cache: { hits: 0, misses: 0, evictions: 0 }, splice: 1, read: 1 },
        };
      }
    }
    const writer = new Anchoring('Yes.', 1_000);
    const {
      answer: { ledger, notices, spans },
    } = await answer(question, writer, long);
    const kinds = (kind: string): number => ledger.groups.filter((group) => group.kind === kind).length;
    expect(writer.asked.length).toBeGreaterThan(1);
    expect(writer.asked.every((text) => text.includes('session.adapter'))).toBe(true);
    expect(kinds('anchors')).toBe(writer.asked.length - 1);
    expect(notices.join(' ')).toContain(
      `${kinds('anchors')} span${kinds('anchors') === 1 ? '' : 's'} compressed to fit`,
    );
    expect(notices.join(' ')).toContain(`${spans.length - kinds('full') - kinds('anchors')} spans left out (no room)`);
    expect(ledger.groups.find(({ kind }) => kind === 'anchors')).toMatchObject({
      rows: 10,
      tokens: 80,
      span: { path: expect.stringMatching(/^m\d+\.py$/) as string },
    });
  });

  test('a question longer than the context is refused with a hint', async () => {
    await expect(answer(`session ${'adapter '.repeat(2_000)}`, new ScriptedWriter('', 500))).rejects.toMatchObject({
      code: 'contextFull',
      hint: expect.stringMatching(/shorter/) as string,
    });
  });

  test('if the model fails, the answer quotes the sources and gives the reason', async () => {
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

  test('a stopped answer keeps the written text', async () => {
    const {
      answer: { notices, markdown },
    } = await answer(question, new ScriptedWriter('Half an ans', 4_000, 'cancelled'));
    expect(markdown).toBe('Half an ans');
    expect(notices).toContain('Stopped.');
  });
});
