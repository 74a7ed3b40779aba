import { describe, expect, test } from 'vitest';
import { Attribution } from '../../../src/assistant/write/attribution';
import { unitOf } from '../../../src/assistant/write/units';

const CLIENT = `class Client:
    def redirect_headers(self, request, url):
        headers = Headers(request.headers)
        if not same_origin(url, request.url):
            # Strip Authorization headers when responses are redirected
            # away from the origin.
            headers.pop("Authorization", None)
        return headers

    def send(self, request):
        """Send a request, and retry it at most 3 times."""
        return self.transport.handle(request)`.split('\n');
const GUIDE = [
  '# Timeouts',
  '',
  'The default timeout of a client is five seconds of inactivity.',
  'Always declare variables. Not doing so will result in global variables.',
  'Timeouts do not apply to streams.',
];

const units = [
  unitOf({ file: '/w/client.py', path: 'client.py', startLine: 1, endLine: CLIENT.length }, CLIENT, 'Client'),
  unitOf({ file: '/w/guide.md', path: 'guide.md', startLine: 1, endLine: GUIDE.length }, GUIDE, 'Timeouts'),
];
const lineOf = (sentence: string, question = 'What happens on a redirect?'): string | undefined => {
  const span = new Attribution(units, question).attribute(sentence)?.span;
  return span && `${span.path}:${span.startLine}-${span.endLine}`;
};

describe('a sentence is bound to', () => {
  test.each([
    ['It strips the `Authorization` header when responses leave the origin.', /^client\.py:5-6$/],
    ['The default timeout is five seconds of inactivity.', /^guide\.md:3-3$/],
    ['Streams do not apply timeouts.', /^guide\.md:5-5$/],
    ['A request is retried at most 3 times.', /^client\.py:11-11$/],
    ['The default timeout is 5 seconds of inactivity.', /^guide\.md:3-3$/],
  ])('the lines that carry it: %s', (sentence, place) => {
    expect(lineOf(sentence)).toMatch(place);
  });
});

describe('the words of the question', () => {
  test('must stand beside what the sentence says of them', () => {
    const sentence = 'Headers are encrypted when responses are redirected.';
    expect(lineOf(sentence, 'How are headers encrypted?')).toBeUndefined();
    expect(lineOf(sentence.replace('encrypted', 'stripped'), 'How are headers stripped?')).toMatch(/^client\.py:\d-5$/);
  });

  test('must stand near the item of a list', () => {
    expect(lineOf('Authorization', 'Which headers are stripped?')).toMatch(/^client\.py:/);
    expect(lineOf('Streams', 'Which headers are stripped?')).toBeUndefined();
    expect(lineOf('Origin', 'Which headers are stripped?')).toBeUndefined();
  });
});

test('of equal places the one of the sentence before is cited', () => {
  const lines = ['The default is `false`.'];
  const both = ['a.md', 'b.md'].map((path) =>
    unitOf({ file: `/w/${path}`, path, startLine: 1, endLine: 1 }, lines, path),
  );
  const attribution = new Attribution(both, 'What is the default?');
  for (const before of both)
    expect(attribution.attribute('The default is `false`.', before)?.span.path).toBe(before.path);
});

test('of lines with the same words the one in the sentence’s order is cited', () => {
  const lines = [
    'Read-only: it may be sent in a response but should not be sent in the request.',
    'Write-only: it may be sent in a request but should not be sent in the response.',
  ];
  const unit = unitOf({ file: '/w/api.md', path: 'api.md', startLine: 1, endLine: 2 }, lines, 'api.md');
  const attribution = new Attribution([unit], 'What do they permit?');
  const lineOfText = (text: string): number | undefined => attribution.attribute(text)?.span.startLine;
  expect(lineOfText('It may be sent in a request but should not be sent in the response.')).toBe(2);
  expect(lineOfText('It may be sent in a response but should not be sent in the request.')).toBe(1);
});

describe('nothing carries a sentence', () => {
  test.each([
    ['with a name that no line has', 'It strips headers away from the origin with `strip_headers`.'],
    ['with another number', 'A request is retried at most 4 times.'],
    ['with words that no line has', 'The cookies are encrypted with a secret key.'],
    ['of the question’s words alone', 'This is what happens on a redirect.'],
    ['of two places', 'It strips Authorization headers, and the timeout is five seconds of inactivity.'],
    ['of words that stand far apart', 'Streams will result in five seconds of inactivity.'],
    ['that states what the lines deny', 'Timeouts apply to streams.'],
    ['with a phrase that no line has', 'It says "Send a response, and retry it" at most 3 times.'],
    ['that repeats itself', 'The timeout-timeout-timeout-timeout-timeout is five seconds of inactivity.'],
    ['that is the title of an excerpt', 'File guide.md (Timeouts): five seconds of inactivity.'],
    ['that denies something else', 'Not using timeouts will result in global variables.'],
    ['that denies what no line denies', 'The default timeout is never five seconds of inactivity.'],
  ])('%s', (_, sentence) => {
    expect(lineOf(sentence)).toBeUndefined();
  });
});

/** Whether one of the lines' statements carries a sentence. */
function carries(lines: readonly string[], sentence: string, question: string, label = 'a.md'): boolean {
  const unit = unitOf({ file: '/w/a.md', path: 'a.md', startLine: 1, endLine: lines.length }, lines, label);
  return new Attribution([unit], question).attribute(sentence) !== undefined;
}

describe('a number', () => {
  const lines = ['We delete the profile within 90 days of cancellation.', 'Keep at least 3 copies of each backup.'];
  test.each([
    ['The profile is deleted within 90 days of cancellation.', true],
    ['The profile is deleted after 90 days of cancellation.', false],
    ['Each backup keeps at least 3 copies.', true],
    ['Each backup keeps at most 3 copies.', false],
    ['Each backup keeps less than 3 copies.', false],
  ])('is bounded as in the lines: %s', (sentence, isCarried) => {
    expect(carries(lines, sentence, 'When is it deleted, and what is kept?')).toBe(isCarried);
  });
});

describe('a list', () => {
  const lines = ['The type of the scheme. Valid values are `"apiKey"`, `"http"`, `"oauth2"`.'];
  test.each([
    ['Valid values of the scheme type are `apiKey`, `http` and `oauth2`.', true],
    ['Valid values of the scheme type are `http` and `oauth2`.', false],
    ['Some valid values of the scheme type are `http` and `oauth2`.', true],
  ])('is told whole: %s', (sentence, isCarried) => {
    expect(carries(lines, sentence, 'Which schemes are there?')).toBe(isCarried);
  });
});

test('names that are set against each other are not exchanged', () => {
  const lines = [
    'On a blueprint, `on_start` runs before the requests that the blueprint handles.',
    'To run it before all requests of the application, use `on_app_start`.',
  ];
  const question = 'What is the difference between on_start and on_app_start?';
  const told = 'The `on_start` runs before the requests that the blueprint handles';
  expect(carries(lines, `${told}, while \`on_app_start\` is used for all requests of the application.`, question)).toBe(
    true,
  );
  const exchanged = 'The `on_start` is used for all requests of the application, while `on_app_start` runs';
  expect(carries(lines, `${exchanged} before the requests that the blueprint handles.`, question)).toBe(false);
});

test('a reason is one of what is asked', () => {
  const lines = [
    '1. Iterators and generators',
    '2. Proposals',
    '',
    '',
    '### 2. Proposals',
    'Do not use proposals that are not finished. They are subject to change or may be withdrawn entirely.',
  ];
  const question = 'Why should iterators be avoided?';
  expect(carries(lines, 'Proposals are subject to change or withdrawn entirely.', question)).toBe(true);
  expect(carries(lines, 'Iterators are subject to change or withdrawn entirely.', question)).toBe(false);
});

test('an option is not a longer one', () => {
  const lines = [
    '--exec-batch: execute the given command once, with all search results as arguments.',
    'exec: once each.',
  ];
  const question = 'How are commands executed?';
  expect(carries(lines, 'With `--exec-batch` the command is executed once, with all search results.', question)).toBe(
    true,
  );
  expect(
    carries(lines.slice(0, 1), 'With `--exec` the command is executed once, with all search results.', question),
  ).toBe(false);
});
