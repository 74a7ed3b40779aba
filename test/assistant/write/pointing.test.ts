import { describe, expect, test } from 'vitest';
import { onlyPoints } from '../../../src/assistant/write/pointing';
import { writeProse } from '../../../src/assistant/write/prose';
import { unitOf, type Unit } from '../../../src/assistant/write/units';
import { draftWriter } from './draft-writer';

const GUIDE = [
  'Clients wait for a while.',
  'By default a client raises `ReadTimeout` after 5 seconds of',
  'network inactivity. This can be changed.',
  '',
  'Proxies are read from the environment.',
];
const CODE = ['def limit():', '    # At most 20 redirects are followed.', '    return 20'];

const unit = (path: string, label: string, lines: string[]): Unit =>
  unitOf({ file: `/w/${path}`, path, startLine: 1, endLine: lines.length }, lines, label);
const UNITS = [unit('guide.md', 'Guide › Timeouts', GUIDE), unit('limit.py', 'limit', CODE)];
const library = {
  read: async (file: string) => {
    const text = (file.endsWith('.md') ? GUIDE : CODE).join('\n');
    return { file, path: file.slice(3), text, language: 'text', hash: '', size: text.length };
  },
};

async function pointed(draft: string, question: string) {
  let shown = '';
  const prose = await writeProse(
    { chat: [], units: UNITS, question, shown: [], points: true },
    draftWriter(draft),
    library,
    { onProse: (text) => (shown += text) },
  );
  expect(shown.trim()).toBe(prose.markdown);
  return prose;
}

describe('a small model', () => {
  const TIMEOUT = 'A client raises `ReadTimeout` after 5 seconds.';

  test('is answered for by the lines that carry its sentence, to the end of their statement', async () => {
    const { markdown, citations } = await pointed(TIMEOUT, 'What is the default timeout?');
    expect(markdown).toBe(
      '**Guide › Timeouts** in `guide.md` [1]\n\n' +
        '> By default a client raises `ReadTimeout` after 5 seconds of\n> network inactivity. This can be changed.',
    );
    expect(citations).toMatchObject([{ number: 1, path: 'guide.md', startLine: 2, endLine: 3 }]);
  });

  test('points at code as code, and at each place once', async () => {
    const draft = `At most 20 redirects are followed. ${TIMEOUT} A client raises \`ReadTimeout\` after 5 seconds of network inactivity.`;
    const { markdown } = await pointed(draft, 'What are the defaults?');
    expect(markdown).toContain('**`limit`** in `limit.py` [1]\n\n```python\n# At most 20 redirects are followed.');
    expect(markdown.match(/\[\d+\]/g)).toEqual(['[1]', '[2]']);
  });

  test('shows nothing for what no line carries', async () => {
    const { markdown, dropped } = await pointed('The limit is stored in a `Ledger`.', 'What is the limit?');
    expect(markdown).toBe('');
    expect(dropped).toHaveLength(1);
  });
});

test('models of a thousand million parameters and of unknown size write their own sentences', () => {
  expect([494e6, 1.5e9, undefined].map((parameters) => onlyPoints(parameters ? { parameters } : {}))).toEqual([
    true,
    false,
    false,
  ]);
});
