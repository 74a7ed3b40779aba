import { config } from '@vscode/l10n';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ask } from '../../src/assistant/ask';
import { explain } from '../../src/assistant/explain';
import { summarize } from '../../src/assistant/summarize';
import { MemoryLibrary } from './memory-library';

const FILES = {
  'src/pool.py': `"""Keeps connections."""
import time


class Pool:
    """Keeps connections open."""

    def take(self, host):
        """Takes a connection for a host."""
        if not self.free(host):
            raise PoolError(host)
        return connect(host)

    def free(self, host):
        return self.idle.get(host)


def connect(host):
    """Connects to a host."""
    return time.time()
`,
  'src/client.py': 'from pool import connect\n\n\ndef fetch(url):\n    return connect(url.host)\n',
};

const FIRST_WORDS = {
  de: /^Beste Übereinstimmung: /,
  es: /^Mejor coincidencia: /,
  fr: /^Meilleure correspondance : /,
  ja: /^最も一致する箇所: /,
  'zh-cn': /^最佳匹配：/,
};

/** Fixed phrases of answers that must not be left in English. */
const ENGLISH =
  /\b(?:Best match|See also|calls:|is a (?:method|function|class)|is used in|Mentions of|It (?:calls|returns|raises|imports|has)|long \[|has \d+ lines?|largest parts?|defines \d)/;

const library = new MemoryLibrary(FILES);

async function results() {
  const asked = await ask(
    { id: '1', question: 'How does the pool take a connection for a host?', scope: { kind: 'workspace' } },
    { library, search: library },
  );
  const users = await ask(
    { id: '2', question: 'Who calls connect?', scope: { kind: 'workspace' } },
    { library, search: library },
  );
  const explained = await explain({ file: '/w/src/pool.py', startLine: 8, endLine: 8 }, { library });
  const summary = await summarize('/w/src/pool.py', { library });
  return { asked, users, explained, summary };
}

afterEach(() => config({ contents: {} }));

describe.each(Object.entries(FIRST_WORDS))('in %s', (language, first) => {
  test('answers say the same, with the same citations', async () => {
    const english = await results();
    config({ contents: readFileSync(join('l10n', `bundle.l10n.${language}.json`), 'utf8') });
    const own = await results();
    expect(own.asked.markdown).toMatch(first);
    for (const kind of ['asked', 'users', 'explained'] as const) {
      expect(own[kind].citations.map(({ startLine, path }) => `${path}:${startLine}`)).toEqual(
        english[kind].citations.map(({ startLine, path }) => `${path}:${startLine}`),
      );
      expect(english[kind].citations.length).toBeGreaterThan(0);
      expect(own[kind].markdown).not.toMatch(ENGLISH);
      expect(english[kind].markdown).toMatch(ENGLISH);
    }
    expect(own.asked.notices).toHaveLength(english.asked.notices.length);
    expect(own.summary.overview).not.toMatch(ENGLISH);
    expect(english.summary.overview).toMatch(ENGLISH);
    expect(own.summary.parts).toHaveLength(english.summary.parts.length);
  });
});
