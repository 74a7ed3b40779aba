/** Large and awkward content for the panels. */
import type { ContextLedger, HostMessage, LedgerGroup, RankedSpan, SummaryPart } from '../../../src/protocol';

export function part(title: string, startLine: number, children: SummaryPart[] = []): SummaryPart {
  return {
    title,
    kind: children.length > 0 ? 'class' : 'method',
    startLine,
    endLine: startLine + Math.max(0, children.length),
    line: `Does what ${title} does.`,
    author: { kind: 'bundled', model: 'anchorage' },
    children,
  };
}

/** An answer with what is hard to wrap: long names, a path, a table and code. */
export function narrowAnswer(): HostMessage[] {
  const span = { file: '/w/src/a.ts', path: 'src/very/deeply/nested/folder/withAVeryLongFileName.component.spec.ts' };
  const citation = {
    ...span,
    number: 1,
    startLine: 1200,
    endLine: 1250,
    text: 'x',
    hash: '',
    label: 'retryEverything',
  };
  const markdown = [
    'The function `RequestRetryPolicyConfigurationFactoryBuilder.createDefaultInstance` waits [1].',
    '| setting | value |\n|---|---|\n| `anchorage.retry.maximumNumberOfAttempts` | 5 |',
    '```ts\nexport const aVeryLongNameThatDoesNotFit = createDefaultInstance(withManyArguments, andMore);\n```',
    `See \`${span.path}\`.`,
  ].join('\n\n');
  return [
    { type: 'answerStarted', id: '1', question: 'How are requests retried?', scope: { kind: 'workspace' } },
    {
      type: 'answerDone',
      answer: {
        ...{ id: '1', question: 'How are requests retried?', scope: { kind: 'workspace' }, markdown },
        ...{
          citations: [citation],
          spans: [],
          author: { kind: 'extractive' },
          notices: ['The encoding is uncertain.'],
        },
        coverage: { filesIndexed: 1_234, filesKnown: 1_234, indexing: false, memories: 0.5 },
        ledger: { groups: [], capacityRows: 1, bytesPerRow: 1 },
        timing: { retrieve: 1, splice: 0, read: 0, decode: 0, firstToken: 1, total: 2 },
      },
    },
  ];
}

export function manySpans(): RankedSpan[] {
  return Array.from({ length: 12 }, (_, i) => ({
    ...{ file: `/w/src/net/part${i}.ts`, path: `src/net/part${i}.ts`, startLine: 10, endLine: 40, score: 12 - i },
    ...{ breadcrumb: ['Retry', `attempt${i}`], text: 'x', language: 'typescript' },
    reasons: [
      { kind: 'definition', text: 'defines attempt', weight: 3 },
      { kind: 'body', text: 'body: request, tried, again', weight: 2 },
      { kind: 'penalty', text: 'test file', weight: -1 },
    ],
  }));
}

/**
 * A context of 4,096 rows: sinks, a coarse row per 256 tokens of 1,500 files, fine rows of likely files, four segments
 * in dense rows, and nine in full.
 */
export function millionTokens(): ContextLedger {
  const bytesPerRow = 1_024;
  const groups: LedgerGroup[] = [];
  const add = (kind: LedgerGroup['kind'], rows: number, tokens: number, file?: number): void => {
    const span =
      file === undefined
        ? {}
        : {
            span: {
              file: `/w/src/f${file}.ts`,
              path: `src/area${file % 30}/f${file}.ts`,
              startLine: 1 + (file % 7) * 30,
              endLine: 40 + (file % 7) * 30,
            },
          };
    const origin = kind === 'coarse' || kind === 'fine' ? 'store' : (file ?? 0) % 2 === 1 ? 'memory' : 'computed';
    groups.push({ kind, rows, tokens, bytes: rows * bytesPerRow, origin, ...span });
  };
  add('sinks', 16, 16);
  for (let file = 0; file < 1_500; file++) add('coarse', 1, 440 + ((file * 7_919) % 460), file);
  for (let file = 0; file < 24; file++) add('fine', 18 + (file % 9), (18 + (file % 9)) * 32, file * 3);
  for (let file = 0; file < 4; file++) add('dense', 30 + file * 7, (30 + file * 7) * 8, 1 + file * 3);
  for (let file = 0; file < 9; file++) add('full', 96 + file * 11, 96 + file * 11, file * 3);
  add('question', 34, 34);
  add('answer', 128, 128);
  return { groups, capacityRows: 4_096, bytesPerRow, cache: { hits: 21, misses: 12, evictions: 3 } };
}
