import { beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { LexicalIndex } from '../../../src/workspace/lexical/lexical-index';
import { toDocument } from '../../../src/workspace/sources/read';
import { analyseQuestion } from '../../../src/search/query/analysis';
import { LexicalRanker } from '../../../src/search/lexical/lexical-ranker';
import type { ReadDocument } from '../../../src/workspace/read-document';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';
import type { RankedSpan, Scope } from '../../../src/protocol';

const FILES: Record<string, string> = {
  'src/net/retry.py': `"""Sending again."""
import time

class RetryPolicy:
    """How often a request is sent again, and how long to wait between attempts."""

    def __init__(self, attempts, base_delay):
        self.attempts = attempts
        self.base_delay = base_delay

    def delay(self, attempt):
        """Exponential backoff: doubles with each attempt."""
        return self.base_delay * 2 ** attempt


def send_with_retry(session, request, policy):
    for attempt in range(policy.attempts):
        response = session.send(request)
        if response.status < 500:
            return response
        time.sleep(policy.delay(attempt))
    raise TooManyRetries(request)
`,
  'src/net/session.py': `from net.retry import RetryPolicy, send_with_retry

class Session:
    """Keeps connections and cookies."""

    def __init__(self):
        self.policy = RetryPolicy(3, 0.1)

    def send(self, request):
        return self.transport.send(request)

    def fetch(self, url):
        return send_with_retry(self, Request(url), self.policy)
`,
  'src/net/__init__.py': 'from net.retry import RetryPolicy, send_with_retry\nfrom net.session import Session\n',
  'src/text/parse_config.py': `def load_configuration(path):
    """Reads key-value pairs from a file."""
    pairs = {}
    for line in open(path):
        key, _, value = line.partition("=")
        pairs[key.strip()] = value.strip()
    return pairs
`,
  'tests/test_retry.py': `from net.retry import RetryPolicy

def test_delay_doubles():
    policy = RetryPolicy(3, 1)
    assert policy.delay(2) == 2 * policy.delay(1)

def test_retry_policy_attempts():
    assert RetryPolicy(3, 1).attempts == 3
`,
  'docs/retry.md':
    '# Retrying\n\nA retry policy says how often a request is sent again.\n\n## Installing\n\nInstall the package with pip.\n',
  'src/net/state.py': `import contextvars

_state = contextvars.ContextVar("state")
g: State = Proxy(_state)
`,
  'CHANGELOG.md': '# Changes\n\n## 1.2\n\n- Retry policy: exponential backoff between attempts.\n',
};

let segmenter: Segmenter;
const documents = new Map<string, ReadDocument>();
const index = LexicalIndex.inMemory();
let reads = 0;
const ranker = new LexicalRanker(index, {
  read: (docId) => {
    reads++;
    return documents.get(docId);
  },
});
const search = (question: string, scope: Scope = { kind: 'workspace' }, limit = 20): Promise<RankedSpan[]> =>
  ranker.search(analyseQuestion(question), { scope, limit, pathOf: (file) => file.replace('/w/', '') });

beforeAll(async () => {
  segmenter = await createSegmenter();
  for (const [path, text] of Object.entries(FILES)) {
    const document = toDocument(`/w/${path}`, path, text);
    const segmented = await segmenter.segment(document);
    index.add(path, document, segmented);
    documents.set(path, { document, segmented });
  }
});

describe('LexicalRanker', () => {
  it('puts a definition before its uses, its tests and its documentation', async () => {
    const [first] = await search('What is RetryPolicy?');
    expect(first).toMatchObject({
      path: 'src/net/retry.py',
      file: '/w/src/net/retry.py',
      language: 'python',
      startLine: 4,
      endLine: 13,
    });
    expect(first?.reasons.some((reason) => reason.kind === 'definition')).toBe(true);
  });

  it('finds the definition of a name of one letter, and says so', async () => {
    for (const question of ['g', 'where is g defined?', 'What does `g` hold between attempts?']) {
      const [first] = await search(question);
      expect(first).toMatchObject({ path: 'src/net/state.py', startLine: 4 });
      expect(first?.reasons.map(({ text }) => text)).toContain('defines g');
    }
  });

  it('finds files by words of the question', async () => {
    const [first] = await search('how long does it wait before the request is sent again after a failure?');
    expect(first?.path).toBe('src/net/retry.py');
    const [config] = await search('where is the config read from a file');
    expect(config).toMatchObject({
      path: 'src/text/parse_config.py',
      breadcrumb: ['load_configuration'],
      startLine: 1,
    });
  });

  it('ranks a follow-up by its own words, and by the previous question when it has hardly any', async () => {
    const before = 'How is a request sent again with exponential backoff between attempts?';
    const first = async (question: string): Promise<string | undefined> =>
      (
        await ranker.search(analyseQuestion(question, { before }), {
          scope: { kind: 'workspace' },
          limit: 10,
          pathOf: (file) => file,
        })
      )[0]?.path;
    expect(await first('And who keeps the connections and cookies?')).toBe('src/net/session.py');
    expect(await first('And why is that?')).toBe('src/net/retry.py');
  });

  it('repeats no word in its reasons', async () => {
    const spans = await search('where does `send_with_retry` send, and is it sent again? Send');
    const lists = spans.flatMap(({ reasons }) =>
      reasons.flatMap(({ text }) =>
        text.includes(': ')
          ? [
              text
                .slice(text.indexOf(': ') + 2)
                .toLowerCase()
                .split(', '),
            ]
          : [],
      ),
    );
    expect(lists.some((words) => words.includes('send_with_retry'))).toBe(true);
    for (const words of lists) expect(new Set(words).size, words.join(', ')).toBe(words.length);
  });

  it('prefers tests, documentation and change logs when they are asked for', async () => {
    expect((await search('Which tests cover RetryPolicy attempts?'))[0]?.path).toBe('tests/test_retry.py');
    expect((await search('How do I install the package?'))[0]?.path).toBe('docs/retry.md');
    expect((await search('In which release did exponential backoff come, see the changelog'))[0]?.path).toBe(
      'CHANGELOG.md',
    );
  });

  it('ranks a file named in the question higher', async () => {
    expect((await search('what does session.py do with a retry policy'))[0]?.path).toBe('src/net/session.py');
  });

  it('returns whole lines of the document, none twice', async () => {
    const spans = await search('retry policy attempts delay session request');
    const seen = new Set<string>();
    for (const span of spans) {
      const lines = (FILES[span.path] as string).split('\n');
      expect(span.startLine).toBeGreaterThanOrEqual(1);
      expect(span.endLine).toBeLessThanOrEqual(lines.length);
      expect(span.text).toBe(lines.slice(span.startLine - 1, span.endLine).join('\n'));
      for (let line = span.startLine; line <= span.endLine; line++) {
        expect(seen.has(`${span.path}:${line}`)).toBe(false);
        seen.add(`${span.path}:${line}`);
      }
    }
    expect(spans.map((span) => span.score)).toEqual(spans.map((span) => span.score).sort((a, b) => b - a));
    expect(new Set(spans.map((span) => span.path)).size).toBeGreaterThan(3);
  });

  it('returns only files in its scope', async () => {
    const paths = async (scope: Scope): Promise<string[]> => [
      ...new Set((await search('retry policy', scope)).map((span) => span.path)),
    ];
    for (const path of await paths({ kind: 'folder', path: 'src/net' })) expect(path).toMatch(/^src\/net\//);
    expect(await paths({ kind: 'folder', path: '/w/src/net' })).toEqual(
      await paths({ kind: 'folder', path: 'src/net' }),
    );
    expect(await paths({ kind: 'file', file: '/w/src/net/session.py' })).toEqual(['src/net/session.py']);
    const selected = await search('retry', {
      kind: 'selection',
      file: '/w/src/net/retry.py',
      startLine: 16,
      endLine: 18,
    });
    expect(selected).not.toHaveLength(0);
    for (const span of selected) expect(span.startLine <= 18 && span.endLine >= 16).toBe(true);
  });

  it('respects the limit, and omits missing documents', async () => {
    expect(await search('retry policy', { kind: 'workspace' }, 2)).toHaveLength(2);
    const gone = new LexicalRanker(index, {
      read: (docId) => (docId.startsWith('tests/') ? documents.get(docId) : undefined),
    });
    const spans = await gone.search(analyseQuestion('retry policy'), {
      scope: { kind: 'workspace' },
      limit: 20,
      pathOf: (file) => file,
    });
    expect(new Set(spans.map((span) => span.path))).toEqual(new Set(['tests/test_retry.py']));
  });

  it('stops on abort, before it reads further documents', async () => {
    const controller = new AbortController();
    controller.abort();
    reads = 0;
    await expect(
      ranker.search(analyseQuestion('retry'), {
        scope: { kind: 'workspace' },
        limit: 20,
        pathOf: (file) => file,
        signal: controller.signal,
      }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(reads).toBe(0);
  });

  it('returns nothing for a question without words, and accepts any question', async () => {
    expect(await search('')).toEqual([]);
    expect(await search('???  the of')).toEqual([]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (question) => {
        for (const span of await search(question)) expect(Number.isFinite(span.score)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
