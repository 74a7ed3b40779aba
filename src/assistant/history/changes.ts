/** Answers when, why and by whom something was changed, from commits. */
import * as l10n from '@vscode/l10n';
import type { Commit, Span } from '../../protocol';
import type { TermCoverage } from '../../search';
import { type CitationList, clip } from '../citations';
import { code } from '../facts';
import type { Evidence } from '../quote/evidence';

/** The history of the workspace. Every method gives nothing where there is no git or no repository. */
export interface CommitHistory {
  /** Commits that changed lines of a file, newest first. */
  ofLines(span: Span, signal?: AbortSignal): Promise<readonly Commit[]>;
  /** The first commit that has lines of a file. */
  firstOfLines(span: Span, signal?: AbortSignal): Promise<Commit | undefined>;
  /** The latest commits of the workspace, each with a file of its repository. */
  latest(signal?: AbortSignal): Promise<readonly (Commit & { file: string })[]>;
}

const CHANGED =
  'add|chang|creat|delet|drop|fix|introduc|modif|mov|remov|renam|replac|revert|rewrit|rewrot|updat|written|wrote';
const ASKS = new RegExp(
  [
    `\\bwh(?:y|en|o)\\b.*\\b(?:${CHANGED})\\w*`,
    String.raw`\b(?:which|what) commits?\b`,
    String.raw`\bcommit(?:s|ted)?\b.*\b(?:why|when|who)\b`,
    String.raw`\bsince when\b`,
    String.raw`\bhistory of\b`,
    `\\bwhat (?:was |has |have )?(?:been )?(?:${CHANGED})\\w* (?:in|about|recently|lately)\\b`,
  ].join('|'),
  'i',
);
/** Present tense describes what the code does: "when is the entry added?" asks for code. */
const PRESENT = /\b(?:why|when|who|how|what)\s+(?:\w+\s+)?(?:is|are|does|do|gets?|should|must|can|will|would)\b/i;
const ASKS_FIRST = /\b(?:add|creat|introduc|written|wrote)\w*/i;

/** True for a question about changes of the past. */
export function asksForChanges(question: string): boolean {
  return ASKS.test(question) && !(PRESENT.test(question) && !/\b(?:commits?|history|since when)\b/i.test(question));
}

/** Best places whose history is read, until one has any: the very best may be a file that was never committed. */
const PLACES_ASKED = 4;
/** Commits listed of the best place, and of those whose message matches the question. */
const OF_LINES = 4;
const OF_MESSAGES = 3;
/** Least share of the question's weight in a message. */
const LEAST_MATCH = 0.5;
const REASON_CHARACTERS = 300;

/**
 * A list of commits with their reasons: those that changed the best place, then those whose message matches the
 * question. Undefined if there are none.
 */
export async function changesBlock(
  question: string,
  { passages, weights, answers }: Evidence,
  history: CommitHistory,
  citations: CitationList,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const blocks: string[] = [];
  const listed = new Set<string>();
  const list = (file: string, commits: readonly Commit[]): string =>
    commits
      .map((commit) => {
        listed.add(commit.hash);
        return commitLine(commit, file, citations);
      })
      .join('\n');
  for (const best of answers ? passages.slice(0, PLACES_ASKED) : []) {
    const { file, path } = best.document;
    const span = { file, path, startLine: best.startLine, endLine: best.endLine };
    const first = ASKS_FIRST.test(question) ? await history.firstOfLines(span, signal) : undefined;
    const commits = (await history.ofLines(span, signal)).filter(({ hash }) => hash !== first?.hash).slice(0, OF_LINES);
    if (first) blocks.push(`${l10n.t('{0} first appears in:', code(best.label))}\n\n${list(file, [first])}`);
    if (commits.length > 0)
      blocks.push(`${l10n.t('Commits that changed {0}, newest first:', code(best.label))}\n\n${list(file, commits)}`);
    if (blocks.length > 0) break;
  }
  const matching = (await history.latest(signal))
    .map((commit) => ({ commit, match: matchOf(commit, weights) }))
    .filter(({ commit, match }) => match >= LEAST_MATCH && !listed.has(commit.hash))
    .sort((a, b) => b.match - a.match)
    .slice(0, OF_MESSAGES);
  if (matching.length > 0)
    blocks.push(
      [
        l10n.t('Commits whose message matches the question:'),
        '',
        ...matching.map(({ commit }) => commitLine(commit, commit.file, citations)),
      ].join('\n'),
    );
  return blocks.length > 0 ? blocks.join('\n\n') : undefined;
}

function matchOf({ subject, body }: Commit, weights: TermCoverage): number {
  return weights.total === 0 ? 0 : weights.matched(`${subject}\n${body}`) / weights.total;
}

/** "- 2024-03-01, Ada: “Close idle connections” [2]", and the reason that the message gives. */
function commitLine(commit: Commit, file: string, citations: CitationList): string {
  const { hash, author, date, subject, body } = commit;
  const text = messageOf(commit);
  const { number } = citations.cite({
    file,
    path: l10n.t('commit {0}', hash.slice(0, 10)),
    startLine: 1,
    endLine: text.split('\n').length,
    text,
    label: subject,
    commit: hash,
  });
  const reason = plain(body.split(/\n\s*\n/)[0] ?? '');
  const why = reason === '' ? '' : `\n  > ${clip(reason, REASON_CHARACTERS)}`;
  return `- ${date.slice(0, 10)}, ${plain(author)}: ${l10n.t('“{0}”', plain(subject))} [${number}]${why}`;
}

const messageOf = ({ subject, body }: Commit): string => (body === '' ? subject : `${subject}\n\n${body}`);

/** One line without brackets and code marks, which would read as citations and names. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[[\]`<>*]/g, '')
    .trim();
