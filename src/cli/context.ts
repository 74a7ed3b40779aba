/** `context`: the rows that the model reads for a question, group by group. */
import { formatBytes, formatNumber, printableName } from '../base';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Answering, MemoryService } from '../app';
import { type Arguments, UNSET, UsageError, wholeNumber } from './arguments';
import { openSession, scopeOf } from './session';
import { note, write, writeJson } from './write';

const HELP = `Compose the context of a question over the whole workspace and print its ledger.

Segments that are not encoded yet are encoded first, once. This takes a minute or more for each million tokens.

Usage: anchorage context --question QUESTION [options]

Options:
  --question QUESTION    The question; also accepted without the option's name.
  -w, --workspace DIR    Folder of the workspace; repeatable. Default: the current folder.
  --in PATH              Take the text that is read in full from this file or folder only.
  --storage DIR          Folder of the index and the encoded segments.
  --model-directory DIR  Checkpoint with memory slots. Default: the bundled one.
  --wait SECONDS         Encode no longer than this. The rest is encoded the next time. Default: no limit.
  --tokens N             Tokens to write after the question. Default: 1, which gives the time to the first.
  --threads N            Threads of the engine. Default: the number of cores.
  --json                 Print JSON: groups with kind, rows, tokens represented, bytes, origin and span.
  --progress             Show progress on stderr, even if it is not a terminal.
  -h, --help             Show this help.

Example:
  anchorage context --question "How is a request dispatched?" --workspace ~/src/flask --json`;

const OPTIONS = {
  question: { type: 'string' },
  workspace: { type: 'string', multiple: true, short: 'w' },
  in: { type: 'string' },
  storage: { type: 'string' },
  'model-directory': { type: 'string' },
  wait: { type: 'string' },
  tokens: { type: 'string' },
  threads: { type: 'string' },
  json: { type: 'boolean' },
  progress: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options'];

/** Without progress, a longer wait (ms) than this is explained once. */
const SILENCE = 2_000;

export async function contextMain(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = understood(argv);
  if (values.help) {
    await write(HELP);
    return 0;
  }
  const question = (values.question ?? positionals.join(' ')).trim();
  if (question === '') throw new UsageError('Which question?', 'context');
  const patience = wholeNumber('wait', values.wait, Infinity, 'context') * 1_000;
  const maxNewTokens = wholeNumber('tokens', values.tokens, 1, 'context');
  const args: Arguments = { ...UNSET, ...values, operands: [] };
  const session = await openSession('ask', args, { model: true });
  const { memory } = session;
  try {
    await session.index(signal);
    const stop = (): void => void memory.end();
    signal.addEventListener('abort', stop, { once: true });
    const waiting = session.progress.shown ? undefined : explained(memory);
    await memory.encodeUntil(patience);
    clearInterval(waiting);
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
    session.progress.done();
    const composed = await session.answering.compose(
      { question, scope: scopeOf(args, session, 'ask'), maxNewTokens },
      signal,
    );
    const { ledger, timing, text } = composed;
    const { coverage } = composed;
    const totals = totalsOf(ledger.groups);
    await (values.json
      ? writeJson({ question, ...ledger, totals, coverage, timing, text, store: memory.status }, 2)
      : write(rendered(composed, totals, memory)));
  } finally {
    session.progress.done();
    await session.close();
  }
  return 0;
}

/** Explains the wait on stderr as soon as the number of missing segments is known. */
function explained(memory: MemoryService): NodeJS.Timeout {
  const timer = setInterval(() => {
    const { status } = memory;
    if (!status || status.counting) return;
    clearInterval(timer);
    const [missing, all] = [status.segments - status.encoded, status.segments].map((count) => formatNumber(count));
    note(
      `Encoding ${missing} of ${all} segments for the first time. Ctrl+C keeps finished work. ` +
        'Use --wait N to answer sooner, --progress to show progress.',
    );
  }, SILENCE);
  return timer;
}

function understood(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, 'context');
  }
}

function totalsOf(groups: readonly { rows: number; tokens: number; bytes: number }[]): {
  rows: number;
  tokens: number;
  bytes: number;
} {
  return groups.reduce(
    (sum, { rows, tokens, bytes: size }) => ({
      rows: sum.rows + rows,
      tokens: sum.tokens + tokens,
      bytes: sum.bytes + size,
    }),
    { rows: 0, tokens: 0, bytes: 0 },
  );
}

function rendered(
  { ledger, timing }: Awaited<ReturnType<Answering['compose']>>,
  totals: ReturnType<typeof totalsOf>,
  memory: MemoryService,
): string {
  const lines = ledger.groups.map(({ kind, rows, tokens, span, origin }) => {
    const where = span ? `${printableName(span.path)}:${span.startLine}-${span.endLine}` : '';
    return (
      `${kind.padEnd(9)} ${String(rows).padStart(5)} rows ${formatNumber(tokens).padStart(9)} tokens ` +
      ` ${(origin ?? '').padEnd(8)} ${where}`
    );
  });
  const left = (ledger.left ?? []).map(
    ({ path, startLine, endLine }) =>
      `left out   ${printableName(path)}:${startLine}-${endLine}  (no room left, or changed since)`,
  );
  const covered =
    memory.coverage === undefined ? '' : `, ${(100 * memory.coverage).toFixed(1)}% of the segments encoded`;
  return [
    ...lines,
    ...left,
    `${formatNumber(totals.rows)} rows represent ${formatNumber(totals.tokens)} tokens ` +
      `(${((100 * totals.rows) / Math.max(1, totals.tokens)).toFixed(2)}%), ${formatBytes(totals.bytes)}${covered}.`,
    `retrieve ${timing.retrieve.toFixed(0)} ms, splice ${timing.splice.toFixed(0)} ms, read ` +
      `${timing.read.toFixed(0)} ms, first token ${timing.firstToken.toFixed(0)} ms`,
  ].join('\n');
}
