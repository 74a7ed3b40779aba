/** Runs each command. Results go to stdout, everything else to stderr. */
import * as l10n from '@vscode/l10n';
import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { definitionNamed, readIndexReport, type StoreAccess } from '../app';
import type { IndexStatus } from '../protocol';
import { AppError, formatBytes, formatNumber, printable, printableName, splitLines } from '../base';
import { type Arguments, type CommandName, COMMANDS, UsageError, wholeNumber } from './arguments';
import { runCheck } from './check';
import { runHistory } from './history';
import { answerQueries, readQueries } from './queries';
import {
  labelled,
  phaseText,
  place,
  renderAnswer,
  renderEnd,
  renderExplanation,
  renderMarkdown,
  renderSummary,
  styleOf,
} from './render';
import { makeMemories, renderMemories } from './memories';
import { printFunctions } from './functions';
import { openSession, resolveInWorkspace, scopeOf, type Session } from './session';
import { note, stream, write, writeJson } from './write';

type Run = (args: Arguments, session: Session, signal: AbortSignal) => Promise<void>;

const DEFAULT_LIMIT = 20;
/** Longest wait (ms) of a question for segments that are not encoded. Finished ones are kept for the next question. */
const ENCODING_PATIENCE = 3_000;

async function runAsk(args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  const question = args.operands.join(' ').trim();
  if (question === '') throw new UsageError(l10n.t('Which question?'), 'ask');
  const scope = scopeOf(args, session, 'ask');
  await session.index(signal);
  await session.memory.encodeUntil(ENCODING_PATIENCE);
  const style = styleOf(process.stdout);
  // A terminal cannot insert above, so the quotes come at once and the prose follows them.
  const streams = session.answering.hasWriter && !args.json && style.colour;
  let written = false;
  const answer = await session.answering.ask(
    { id: 'terminal', question, scope, asked: performance.timeOrigin },
    {
      signal,
      emit: (event) => {
        if (event.type === 'phase') session.progress.update(0, phaseText(event.phase));
        if (event.type === 'reading')
          session.progress.update(
            event.read / event.total,
            l10n.t('Reading {0} of {1} tokens', formatNumber(event.read), formatNumber(event.total)),
          );
        if (!streams || (event.type !== 'delta' && event.type !== 'prose')) return;
        session.progress.done();
        if (event.type === 'prose' && !written) stream('\n');
        written ||= event.type === 'prose';
        stream(`${renderMarkdown(event.markdown, style)}${event.type === 'delta' ? '\n' : ''}`);
      },
    },
  );
  session.progress.done();
  if (streams) await write(`\n${written ? '\n' : ''}${renderEnd(answer, style)}`);
  else await (args.json ? writeJson(answer, 2) : write(renderAnswer(answer, style)));
}

async function runSearch(args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  const limit = wholeNumber('limit', args.limit, DEFAULT_LIMIT, 'search');
  const scope = scopeOf(args, session, 'search');
  const question = args.operands.join(' ').trim();
  if (args.queries === undefined && question === '')
    throw new UsageError(l10n.t('Which question? Give one, or --queries FILE.'), 'search');
  if (args.queries !== undefined && question !== '')
    throw new UsageError(l10n.t('Give a question or --queries FILE, not both.'), 'search');
  // Read before indexing, so that a wrong file is reported at once.
  const queries = args.queries === undefined ? undefined : await readQueries(args.queries);
  await session.index(signal);
  if (session.engines.memory.model) await session.memory.openStored();
  if (queries) return answerQueries(queries, session, { scope, limit: Math.max(limit, DEFAULT_LIMIT), signal });
  const { spans } = await session.answering.search(question, { scope, limit, signal });
  if (args.json) return writeJson(spans, 2);
  const style = styleOf(process.stdout);
  const lines = spans.map((span) => {
    const reasons = span.reasons
      .slice(0, 3)
      .map(({ text }) => text)
      .join('; ');
    return (
      `${span.score.toFixed(2).padStart(6)}  ${place(span, style)}  ` +
      `${printable(span.breadcrumb.join(' › '))}${reasons ? `  (${printable(reasons)})` : ''}`
    );
  });
  await write(lines.length > 0 ? lines.join('\n') : l10n.t('Nothing found.'));
}

async function runSummarize(args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  const file = textFile(operand(args, 'summarize', l10n.t('Which file?')), session, 'summarize');
  const summary = await session.answering.summarize(file, {
    signal,
    progress: (fraction, message) => session.progress.update(fraction, message),
  });
  session.progress.done();
  await (args.json ? writeJson(summary, 2) : write(renderSummary(summary, styleOf(process.stdout))));
}

async function runExplain(args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  const what = operand(args, 'explain', l10n.t('What? Name a definition or FILE:LINE.'));
  await session.index(signal);
  const target = await explainTarget(what, session);
  const explanation = await session.answering.explain({ ...target, fresh: args.fresh }, { signal });
  await (args.json ? writeJson(explanation, 2) : write(renderExplanation(explanation, styleOf(process.stdout))));
}

/** FILE:LINE, FILE:LINE-LINE or a definition's name. */
async function explainTarget(
  what: string,
  session: Session,
): Promise<{ file: string; startLine: number; endLine: number }> {
  const [, path, start, end] = /^(.+?):(\d+)(?:-(\d+))?$/.exec(what) ?? [];
  if (path && start) {
    const file = textFile(path, session, 'explain');
    const [startLine, endLine] = [Number(start), Number(end ?? start)];
    const { length } = splitLines(await session.answering.textOf(file));
    if (startLine < 1 || endLine < startLine || endLine > length)
      throw new UsageError(
        l10n.t('{0} has lines 1 to {1}, and no {2}.', path, formatNumber(length), `${start}${end ? `-${end}` : ''}`),
        'explain',
      );
    return { file, startLine, endLine };
  }
  const definition = await definitionNamed(what, session.workspace);
  if (!definition && isFileOf(what, session))
    throw new UsageError(
      l10n.t('{0} is a file: name a line, as in {0}:1, or use `anchorage summarize` for the whole.', what),
      'explain',
    );
  if (!definition)
    throw new UsageError(
      l10n.t('Nothing in the workspace defines “{0}”. Name a definition, or FILE:LINE.', what),
      'explain',
    );
  return { file: definition.file, startLine: definition.symbol.startLine, endLine: definition.symbol.startLine };
}

/**
 * A regular file of the workspace; reading a pipe or a device might never end.
 * @throws UsageError, AppError('fileUnreadable')
 */
function textFile(path: string, session: Session, command: CommandName): string {
  const file = resolveInWorkspace(path, session, command);
  const found = statSync(file);
  if (!found.isFile() && !found.isDirectory())
    throw new AppError(
      'fileUnreadable',
      l10n.t('{0}: is not a regular file', file),
      l10n.t('Only text files can be read.'),
    );
  return file;
}

function isFileOf(path: string, session: Session): boolean {
  try {
    return statSync(resolveInWorkspace(path, session, 'explain')).isFile();
  } catch {
    return false;
  }
}

async function runIndex(args: Arguments, session: Session, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  if (args.rebuild) await session.clearIndex();
  if (args.rebuild && args.memories) await clearMemories(session);
  await session.index(signal);
  const seconds = (performance.now() - started) / 1000;
  const trouble = session.workspace.trouble();
  if (trouble !== undefined)
    throw new AppError(
      'storeUnwritable',
      l10n.t('The index is not stored. {0}', trouble),
      l10n.t('Run the command again afterwards.'),
    );
  const { sharedWith } = session.workspace;
  if (sharedWith !== undefined)
    note(
      l10n.t('Another process ({0}) writes the index. This command has read it, and stored nothing new.', sharedWith),
    );
  const memories = args.memories ? await makeMemories(session, signal) : undefined;
  const status = session.workspace.status();
  const figures = {
    files: status.filesIndexed,
    bytes: status.bytesIndexed,
    segments: status.segments,
    seconds: Math.round(seconds * 1000) / 1000,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    storeBytes: status.storeBytes,
    ...(memories ? { memories } : {}),
  };
  if (args.json) return writeJson(figures);
  const unread = status.problems.length + (status.moreProblems ?? 0);
  const problems =
    unread > 0 ? ` ${l10n.t('{0} could not be read; `anchorage status` names them.', formatNumber(unread))}` : '';
  await write(
    `${indexedText(figures)}${problems}${leftOut(status.skipped)}\n` +
      (memories
        ? renderMemories(memories)
        : l10n.t('`anchorage index --memories` also encodes the segments, for `ask` and `context`.')),
  );
}

type IndexFigures = Record<'files' | 'bytes' | 'segments' | 'seconds' | 'peakMemoryBytes' | 'storeBytes', number>;

function indexedText({ files, bytes, segments, seconds, peakMemoryBytes, storeBytes }: IndexFigures): string {
  const [count, size, memory, disk] = [
    formatNumber(files),
    formatBytes(bytes),
    formatBytes(peakMemoryBytes),
    formatBytes(storeBytes),
  ];
  return [
    l10n.t('{0} files ({1}) in {2} segments are indexed.', count, size, formatNumber(segments)),
    l10n.t('This run took {0} s and at most {1} of memory.', seconds.toFixed(1), memory),
    l10n.t('The index uses {0} on disk.', disk),
  ].join(' ');
}

/** Files that no rule of the user excludes and that are still not indexed. */
function leftOut(skipped: IndexStatus['skipped']): string {
  const own = skipped.filter(({ reason }) => !CHOSEN.has(reason) && reason !== 'unreadable');
  if (own.length === 0) return '';
  const parts = own.map(({ reason, files }) => `${reason} ${formatNumber(files)}`);
  return ` ${l10n.t('Left out: {0}; `anchorage why FILE` tells why.', parts.join(', '))}`;
}

/** Reasons that the user has chosen, or that are no files of the workspace. */
const CHOSEN: ReadonlySet<string> = new Set([
  'gitignore',
  'info/exclude',
  'core.excludesFile',
  'anchorageignore',
  'files.exclude',
  'link to an indexed place',
  'other workspace folder',
]);

async function clearMemories({ memory }: Session): Promise<void> {
  await memory.openOnly();
  await memory.clear();
}

/** Reports the stored index and the files that the last pass skipped. Indexes and loads nothing, so it is fast. */
async function runStatus(args: Arguments, session: Session): Promise<void> {
  const now = session.workspace.status();
  const { storageDirectory, folders, models } = session;
  const last = await readIndexReport(storageDirectory);
  const status = { ...now, ...(last ?? {}), filesKnown: Math.max(now.filesIndexed, last?.filesKnown ?? 0) };
  if (args.json) return writeJson({ ...status, models, storageDirectory, folders }, 2);
  const lines = [
    [l10n.t('Folders'), folders.map(({ directory }) => printableName(directory)).join(', ')],
    [
      l10n.t('State'),
      last ? l10n.t('indexed {0}', new Date(last.finishedAt).toLocaleString('en-GB')) : l10n.t('not indexed yet'),
    ],
    [
      l10n.t('Indexed'),
      l10n.t(
        '{0} of {1} files, {2}, {3} segments',
        formatNumber(status.filesIndexed),
        formatNumber(status.filesKnown),
        formatBytes(status.bytesIndexed),
        formatNumber(status.segments),
      ),
    ],
    [l10n.t('Store'), `${formatBytes(status.storeBytes)}, ${storageDirectory}`],
    [l10n.t('Model'), modelLine(models)],
    ...status.skipped.map(({ reason, files }) => [l10n.t('Left out'), `${formatNumber(files)}: ${reason}`]),
    ...status.problems.map(({ path, reason }) => [l10n.t('Problem'), `${printableName(path)}: ${reason}`]),
    ...(status.moreProblems ? [[l10n.t('Problem'), l10n.t('{0} more', formatNumber(status.moreProblems))]] : []),
  ];
  await write(labelled(lines));
}

function modelLine({ memory, chat }: Session['models']): string {
  const parts = [
    ...(memory ? [l10n.t('{0} encodes and ranks', memory)] : []),
    ...(chat ? [l10n.t('{0} writes answers', chat)] : []),
  ];
  return parts.length > 0 ? parts.join(', ') : l10n.t('none; answers quote the sources');
}

/** Prints the rule that includes or excludes a file. Indexes nothing, so it is fast. */
async function runWhy(args: Arguments, session: Session): Promise<void> {
  const path = operand(args, 'why', l10n.t('Which file?'));
  const why = await session.workspace.why(resolveOrAbsolute(path, session));
  if (args.json) return writeJson(why, 2);
  const name = printableName(why.path || basename(why.file));
  await write(
    why.indexed ? l10n.t('{0} is indexed: {1}', name, why.reason) : l10n.t('{0} is not indexed: {1}', name, why.reason),
  );
}

/** The absolute path, also of files outside the workspace or missing: the workspace names the reason. */
function resolveOrAbsolute(path: string, session: Session): string {
  try {
    return resolveInWorkspace(path, session, 'why');
  } catch {
    const first = session.folders[0]?.directory ?? process.cwd();
    return existsSync(path) ? resolve(path) : resolve(first, path);
  }
}

function operand(args: Arguments, command: CommandName, message: string): string {
  const [first, ...rest] = args.operands;
  if (first === undefined) throw new UsageError(message, command);
  if (rest.length > 0)
    throw new UsageError(l10n.t('One at a time; did you mean "{0}"?', args.operands.join(' ')), command);
  return first;
}

type Indexed = Exclude<CommandName, 'check' | 'history'>;

const RUN: Record<Indexed, { run: Run; model?: boolean | 'forStored'; store?: StoreAccess }> = {
  ask: { run: runAsk, model: true },
  search: { run: runSearch, model: 'forStored' },
  summarize: { run: runSummarize },
  explain: { run: runExplain, model: true },
  index: { run: runIndex },
  status: { run: runStatus, store: 'read' },
  why: { run: runWhy, store: 'read' },
  functions: { run: printFunctions },
};

/** A summary needs no model, and waits for one only if it was named. */
function needsModel(command: CommandName, args: Arguments): boolean {
  return command === 'summarize' && args['model-directory'] !== undefined;
}

export async function runCommand(command: CommandName, args: Arguments, signal: AbortSignal): Promise<void> {
  if (COMMANDS[command].operands === '' && args.operands.length > 0)
    throw new UsageError(
      l10n.t('{0} takes no {1}; use --workspace for a folder.', `\`${command}\``, args.operands[0] ?? ''),
      command,
    );
  // Opening the index would mend it.
  if (command === 'check') return runCheck(args);
  // History is git's, and needs no index.
  if (command === 'history') return runHistory(args, signal);
  const { run, model = args.memories || needsModel(command, args), store = 'share' } = RUN[command];
  const session = await openSession(command, args, { model, store });
  try {
    await run(args, session, signal);
  } finally {
    session.progress.done();
    await session.close();
  }
}
