/**
 * Finds the lines that use a name and sorts them by kind: calls say more than comments, and comments more than manuals.
 */
import * as l10n from '@vscode/l10n';
import { formatNumber, splitLines, textOfLines, throwIfCancelled } from '../base';
import { pathKind } from '../workspace';
import { entryOf } from '../workspace';
import { type CitationList, clip } from './citations';
import { code, enumerate } from './facts';
import { beginsImport } from './import-lines';
import type { AssistantLibrary, Use } from './library';
import type { Question } from '../search';

/** Kinds of use, in the order in which they are listed. */
const KINDS = ['call', 'code', 'import', 'comment', 'prose'] as const;

export interface ReadUse {
  use: Use;
  /** The line of the file. */
  text: string;
  kind: (typeof KINDS)[number];
}

/** Maximum number of uses listed in an answer. */
const USERS = 12;
/** Maximum number of uses that the listed ones are chosen from. A common word has thousands. */
export const USES_LOOKED_AT = 200;

/**
 * Sorts uses: calls, other code, imports, comments, then prose and data. Within a kind, tests come last. Uses in
 * deleted files are left out.
 */
export async function tellingFirst(
  uses: readonly Use[],
  name: string,
  library: Pick<AssistantLibrary, 'read'>,
  signal?: AbortSignal,
): Promise<ReadUse[]> {
  const files = new Map<string, { lines: string[]; language: string } | undefined>();
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const called = new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}\\s*\\(`, 'u');
  // A Ruby call needs no brackets. Symbols, variables and assignment targets are not calls.
  const calledInRuby = new RegExp(`(?<![\\p{L}\\p{N}_$:@])${escaped}(?![\\p{L}\\p{N}_$:]|\\s*=(?![=~]))`, 'u');
  const found: ReadUse[] = [];
  for (const use of uses) {
    const { file, startLine, endLine } = use.span;
    if (!files.has(file)) {
      throwIfCancelled(signal);
      files.set(
        file,
        await library.read(file).then(
          (each) => ({ lines: splitLines(each.text), language: each.language }),
          () => undefined,
        ),
      );
    }
    const read = files.get(file);
    if (!read) continue;
    const text = textOfLines(read.lines, startLine, endLine);
    const isProse = ['prose', 'data'].includes(entryOf(read.language).kind ?? 'code');
    const isComment = /^\s*(\/\/|\/?\*|#(?!\w)|--\s|"""|''')/.test(text);
    const isImport = beginsImport(text) || /^\s*export [*{]|\brequire\(/.test(text);
    const isCall = called.test(text) || (read.language === 'ruby' && !/^\p{Lu}/u.test(name) && calledInRuby.test(text));
    found.push({
      use,
      text,
      kind: isProse ? 'prose' : isComment ? 'comment' : isImport ? 'import' : isCall ? 'call' : 'code',
    });
  }
  const rank = ({ kind, use }: ReadUse): number => KINDS.indexOf(kind) + (pathKind(use.span.path).test ? 0.5 : 0);
  return found.sort((a, b) => rank(a) - rank(b));
}

/**
 * Answers "who calls X" from the index: the lines with the name outside its definition. If the question asks for calls
 * and there are any, only calls are listed.
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
    const uses = await tellingFirst(users, name, library, signal);
    if (uses.length === 0)
      return l10n.t(
        '{0} is defined in {1}. No other indexed line contains it.',
        code(name),
        enumerate([...new Set(definitions.map((each) => code(each.path)))].slice(0, 3)),
      );
    const calls = /\b(call|invok)/i.test(question.text) ? uses.filter(({ kind }) => kind === 'call') : [];
    const listed = (calls.length > 0 ? calls : uses).slice(0, USERS);
    const total = uses.length + more;
    const outside =
      definitions.length > 1
        ? l10n.t('outside its {0} definitions', definitions.length)
        : l10n.t('outside its definition');
    const places = placesText(total, more > 0);
    const where = l10n.t('{0} occurs in {1} {2}', code(name), places, outside);
    const which =
      listed.length === total
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
  return undefined;
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
