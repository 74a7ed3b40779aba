/**
 * Finds the lines of code that use a name and sorts them by kind: calls say more than imports.
 */
import * as l10n from '@vscode/l10n';
import { formatNumber, splitLines, throwIfCancelled } from '../base';
import { commentLines, entryOf, pathKind } from '../workspace';
import { type CitationList, clip } from './citations';
import { code, enumerate } from './facts';
import { beginsImport } from './import-lines';
import { andMore } from './phrases';
import type { AssistantLibrary, Definition, Use } from './library';
import { isCertain } from './references';
import type { Question } from '../search';

/** Kinds of use, in the order in which they are listed. */
const KINDS = ['call', 'code', 'import'] as const;

export interface ReadUse {
  use: Use;
  /** The line of the file. */
  text: string;
  kind: (typeof KINDS)[number];
  /** False for a mention: neither scope nor import tells which definition the line means. */
  isCertain: boolean;
}

/** Maximum number of uses listed in an answer. */
const USERS = 12;
/** Maximum number of uses that the listed ones are chosen from. A common word has thousands. */
export const USES_LOOKED_AT = 200;

/**
 * Sorts uses in code: certain ones first; calls, other code, then imports. Within a kind, tests come last. Comments,
 * strings, prose, data and deleted files use nothing, so they are left out.
 */
export async function tellingFirst(
  uses: readonly Use[],
  name: string,
  library: Pick<AssistantLibrary, 'read'>,
  definitions: readonly Definition[],
  signal?: AbortSignal,
): Promise<ReadUse[]> {
  const files = new Map<string, CodeFile | undefined>();
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const word = new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}(?![\\p{L}\\p{N}_$])`, 'u');
  const called = new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}\\s*\\(`, 'u');
  // A Ruby call needs no brackets. Symbols, variables and assignment targets are not calls.
  const calledInRuby = new RegExp(`(?<![\\p{L}\\p{N}_$:@])${escaped}(?![\\p{L}\\p{N}_$:]|\\s*=(?![=~]))`, 'u');
  const found: ReadUse[] = [];
  for (const use of uses) {
    const { file, path, startLine } = use.span;
    if (!files.has(file)) {
      throwIfCancelled(signal);
      files.set(file, await codeFile(file, library));
    }
    const read = files.get(file);
    const text = read?.lines[startLine - 1];
    if (!read || text === undefined || read.isComment[startLine - 1]) continue;
    const isImport = beginsImport(text) || /^\s*export [*{]|\brequire\(/.test(text);
    if (!isImport && !word.test(withoutStrings(text, read.language))) continue;
    const isCall = called.test(text) || (read.language === 'ruby' && !/^\p{Lu}/u.test(name) && calledInRuby.test(text));
    found.push({
      use,
      text,
      kind: isImport ? 'import' : isCall ? 'call' : 'code',
      isCertain: isCertain(name, definitions, { file, path, ...read, line: startLine }),
    });
  }
  const rank = ({ kind, use, isCertain: certain }: ReadUse): number =>
    (certain ? 0 : KINDS.length) + KINDS.indexOf(kind) + (pathKind(use.span.path).test ? 0.5 : 0);
  return found.sort((a, b) => rank(a) - rank(b));
}

interface CodeFile {
  lines: readonly string[];
  language: string;
  isComment: readonly boolean[];
}

/** Undefined for prose, data and files that are gone. */
async function codeFile(file: string, library: Pick<AssistantLibrary, 'read'>): Promise<CodeFile | undefined> {
  const read = await library.read(file).catch(() => undefined);
  if (!read || ['prose', 'data'].includes(entryOf(read.language).kind ?? 'code')) return undefined;
  const { language, path } = read;
  const kind = pathKind(path);
  if (kind.translation || kind.history || kind.lock) return undefined;
  const lines = splitLines(read.text);
  return { lines, language, isComment: commentLines(lines, 1, lines.length, language) };
}

/** A line without the texts of its strings and without a comment behind code. Templates may hold code. */
function withoutStrings(text: string, language: string): string {
  const code = text.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, (string) =>
    // Interpolated code.
    /#\{|\$\{|\{\w/.test(string) ? string : '""',
  );
  return ['c', 'cpp', 'rust'].includes(language)
    ? code.replace(/\/\/.*$/, '')
    : code.replace(/\s(?:\/\/|#(?!\w)).*$/, '');
}

/**
 * Answers "who calls X" from the index: the lines of code with the name outside its definition. Lines that may mean
 * another definition stand apart, as mentions. If the question asks for calls and there are any, only calls are listed.
 */
export async function usersBlock(
  question: Question,
  library: Pick<AssistantLibrary, 'definitions' | 'users' | 'read'>,
  citations: CitationList,
  signal?: AbortSignal,
): Promise<string | undefined> {
  for (const name of question.names) {
    const definitions = await library.definitions(name);
    if (definitions.length === 0) continue;
    const { users, more } = await library.users(name, { limit: USES_LOOKED_AT, signal });
    const all = await tellingFirst(users, name, library, definitions, signal);
    if (all.length === 0)
      return l10n.t(
        '{0} is defined in {1}. No other indexed line of code has it.',
        code(name),
        enumerate([...new Set(definitions.map((each) => code(each.path)))].slice(0, 3)),
      );
    const uses = all.filter((use) => use.isCertain);
    const mentions = all.filter((use) => !use.isCertain);
    const asksCalls = /\b(call|invok)/i.test(question.text);
    const blocks = [
      ...(uses.length > 0 ? [usesList(name, uses, { definitions, more, asksCalls }, citations)] : []),
      ...(mentions.length > 0 ? [mentionsList(name, mentions, asksCalls, citations)] : []),
    ];
    return blocks.join('\n\n');
  }
  return undefined;
}

function usesList(
  name: string,
  uses: readonly ReadUse[],
  { definitions, more, asksCalls }: { definitions: readonly Definition[]; more: number; asksCalls: boolean },
  citations: CitationList,
): string {
  const calls = asksCalls ? uses.filter(({ kind }) => kind === 'call') : [];
  const listed = (calls.length > 0 ? calls : uses).slice(0, USERS);
  const outside =
    definitions.length > 1
      ? l10n.t('outside its {0} definitions', definitions.length)
      : l10n.t('outside its definition');
  const where = l10n.t('{0} is used in {1} {2}', code(name), placesText(uses.length, more > 0), outside);
  const which =
    listed.length === uses.length && more === 0
      ? l10n.t('{0}:', where)
      : calls.length === 0
        ? l10n.t('{0}, including:', where)
        : listed.length < calls.length || more > 0
          ? l10n.t('{0}, including these calls:', where)
          : listed.length === 1
            ? l10n.t('{0}, including 1 call:', where)
            : l10n.t('{0}, including {1} calls:', where, listed.length);
  return `${which}\n\n${listed.map((use) => `- ${useLine(use, citations)}`).join('\n')}`;
}

/** Maximum number of mentions listed. */
const MENTIONS = 6;

function mentionsList(name: string, mentions: readonly ReadUse[], asksCalls: boolean, citations: CitationList): string {
  const calls = asksCalls ? mentions.filter(({ kind }) => kind === 'call') : [];
  const listed = (calls.length > 0 ? calls : mentions).slice(0, MENTIONS);
  const lines = listed.map((use) => `- ${useLine(use, citations)}`);
  if (mentions.length > listed.length) lines.push(`- ${andMore(mentions.length - listed.length)}`);
  return `${l10n.t('Mentions of {0} in code that may mean another definition:', code(name))}\n\n${lines.join('\n')}`;
}

/** @param atLeast there may be more */
function placesText(count: number, atLeast: boolean): string {
  if (count === 1) return atLeast ? l10n.t('at least 1 place') : l10n.t('1 place');
  return atLeast ? l10n.t('at least {0} places', formatNumber(count)) : l10n.t('{0} places', formatNumber(count));
}

function useLine({ use, text }: ReadUse, citations: CitationList): string {
  const citation = citations.cite({ ...use.span, text, label: use.label });
  return `${whereUsed(use)}: ${code(clip(text.trim(), 110))} [${citation.number}]`;
}

/** "`fetch` in `client.py`"; the path alone for a line outside every definition. */
export function whereUsed({ span, label }: Use): string {
  return label === '' || label === span.path ? code(span.path) : l10n.t('{0} in {1}', code(label), code(span.path));
}
