import { expect, it } from 'vitest';
import { isEncoded, unitsOf } from '../../../src/memory/encode/encoding-units';

const SHORT = 'key: value\n';
const LONG = SHORT.repeat(2_000);

it.each([
  ['src/app.ts', LONG, true],
  ['docs/guide.md', LONG, true],
  ['.github/workflows/ci.yml', SHORT, true],
  ['package.json', SHORT, true],
  ['data/cities.json', LONG, false],
  ['test/fixtures/parse.yml', SHORT, false],
  ['media/diagram.svg', SHORT, false],
  ['locale/de/messages.po', SHORT, false],
  ['src/__snapshots__/view.test.ts.snap', SHORT, false],
  ['vendor/jquery/jquery.js', SHORT, false],
  ['web/app.min.js', SHORT, false],
  ['pnpm-lock.yaml', SHORT, false],
])('tells whether %s is encoded', (path, text, expected) => expect(isEncoded({ path, text })).toBe(expected));

it('cuts no units of a document that is not encoded', () => {
  const segment = {
    startLine: 1,
    endLine: 1,
    start: 0,
    end: SHORT.length,
    kind: 'data',
    symbols: [],
    breadcrumb: [],
  } as const;
  const segmented = { segments: [segment], symbols: [], imports: [], method: 'length' } as const;
  const document = { file: '/a', language: 'plaintext', text: SHORT, hash: '1' };
  expect(unitsOf({ ...document, path: 'notes.txt' }, segmented, 'v')).toHaveLength(1);
  expect(unitsOf({ ...document, path: 'plan.svg' }, segmented, 'v')).toEqual([]);
});
