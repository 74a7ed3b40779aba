/** The facts of an explanation. Each comes from the sources and is cited. */
import * as l10n from '@vscode/l10n';
import { formatNumber, isBlank, splitLines, textOfLines, throwIfCancelled } from '../../base';
import type { Explanation } from '../../protocol';
import type { DocumentSymbol } from '../../workspace';
import { callsOf } from '../calls';
import { checkMarkdown, CitationList, clip } from '../citations';
import { code, enumerate, firstSentence, plainDoc, whatItIs } from '../facts';
import type { AssistantLibrary } from '../library';
import { callLine } from '../quote/calls-block';
import { andMore, lineCount, linesText } from '../phrases';
import { fence, sourceOf } from '../quote/cited-lines';
import { docLines, quoteRuns } from '../quote/key-lines';
import { tellingFirst, USES_LOOKED_AT, whereUsed } from '../uses';
import type { Target } from './target';

/** Maximum number of listed uses. */
const USES = 8;

/** Explains a target by facts from the sources: its kind, comment, members, results, calls and uses. */
export async function explainByFacts(
  target: Target,
  library: AssistantLibrary,
  signal?: AbortSignal,
): Promise<Explanation> {
  const { document, symbol, lines, startLine, endLine, label } = target;
  const list = new CitationList();
  const own = list.cite({
    file: document.file,
    path: document.path,
    startLine,
    endLine,
    text: textOfLines(lines, startLine, endLine),
    label,
  });
  const blocks: string[] = [];
  if (symbol) {
    blocks.push(
      l10n.t(
        '{0} is {1} in {2}, {3} long {4}.',
        code(label),
        whatItIs(symbol),
        code(document.path),
        lineCount(endLine - startLine + 1),
        `[${own.number}]`,
      ),
    );
    const doc = docParagraph(symbol.doc);
    if (doc) blocks.push(`> ${doc}`);
    blocks.push(fence(symbol.signature, document.language));
  } else {
    blocks.push(`${code(document.path)}, ${linesText({ startLine, endLine })}: [${own.number}]`);
    blocks.push(
      fence(
        quoteRuns(lines, [{ startLine, endLine: Math.min(endLine, startLine + 19) }]) +
          (endLine > startLine + 19 ? '\n…' : ''),
        document.language,
      ),
    );
  }
  if (target.members.length > 0) blocks.push(membersBlock(target));
  blocks.push(...outcomes(target).map((line) => `${line} [${own.number}]`));

  const calls = await callsOf(target, library, 8);
  throwIfCancelled(signal);
  const called: string[] = [];
  for (const call of calls) {
    const there = await library.read(call.definition.file).then(
      (each) => splitLines(each.text),
      () => undefined,
    );
    if (!there) continue;
    const citation = list.cite(sourceOf(call.definition, there));
    called.push(`- ${callLine(call)} [${citation.number}]`);
  }
  if (called.length > 0) blocks.push(`${l10n.t('It calls:')}\n\n${called.join('\n')}`);
  const used = symbol ? await usersBlock(target, symbol, library, list, signal) : undefined;
  if (used) blocks.push(used);

  const checked = await checkMarkdown(blocks.join('\n\n'), list.all, library);
  return {
    file: document.file,
    path: document.path,
    startLine,
    endLine,
    title: label,
    markdown: checked.markdown,
    citations: checked.citations,
    author: { kind: 'extractive' },
    cached: false,
  };
}

/** The first paragraph of the comment. */
function docParagraph(doc: string | undefined): string | undefined {
  const paragraph = doc?.trim().split(/\n\s*\n/)[0];
  return paragraph ? clip(plainDoc(paragraph), 600) : undefined;
}

function membersBlock({ members, document }: Target): string {
  const most = 14;
  const lines = members.slice(0, most).map((member) => {
    const doc = member.doc ? firstSentence(member.doc, 90) : undefined;
    const said = doc ? `: ${l10n.t('“{0}”', doc)}` : '';
    return `- ${code(member.name)} (${l10n.t('line {0}', member.startLine)})${said}`;
  });
  if (members.length > most) lines.push(`- ${andMore(members.length - most)}`);
  const count = formatNumber(members.length);
  const counted = members.every((member) => member.kind === 'heading')
    ? members.length === 1
      ? l10n.t('1 section')
      : l10n.t('{0} sections', count)
    : members.length === 1
      ? l10n.t('1 member')
      : l10n.t('{0} members', count);
  return `${l10n.t('It has {0}, in {1}:', counted, code(document.path))}\n\n${lines.join('\n')}`;
}

/** Returned values and raised errors, from its statements. */
function outcomes(target: Target): string[] {
  const { symbol, lines, startLine, endLine } = target;
  if (symbol && symbol.kind !== 'function' && symbol.kind !== 'method') return [];
  const isDoc = docLines(target);
  const returned = new Set<string>();
  const raised = new Set<string>();
  for (let line = symbol?.startLine ?? startLine; line <= endLine; line++) {
    const text = lines[line - 1] ?? '';
    if (isDoc(line) || isBlank(text)) continue;
    const value = /^\s*return\s+(.+?);?\s*$/.exec(text)?.[1];
    if (value && value.length <= 80 && !/[([{,]$/.test(value)) returned.add(value);
    const error = /\b(?:raise|throw)\s+(?:new\s+)?([\p{L}_$][\p{L}\p{N}_$.]*)/u.exec(text)?.[1];
    if (error && /\p{Lu}/u.test(error)) raised.add(error);
  }
  const facts: string[] = [];
  if (returned.size > 0) {
    const values = [...returned].slice(0, 4).map(code);
    const others = returned.size > 4 ? [l10n.t('{0} other values', returned.size - 4)] : [];
    facts.push(l10n.t('It returns {0}.', enumerate([...values, ...others])));
  }
  if (raised.size > 0) facts.push(l10n.t('It raises {0}.', enumerate([...raised].slice(0, 5).map(code))));
  return facts;
}

async function usersBlock(
  target: Target,
  symbol: DocumentSymbol,
  library: AssistantLibrary,
  list: CitationList,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (symbol.kind === 'heading' || symbol.kind === 'key') return undefined;
  const [definitions, { users, more }] = await Promise.all([
    library.definitions(symbol.name),
    library.users(symbol.name, { limit: USES_LOOKED_AT, signal }),
  ]);
  const outside = users.filter(
    ({ span }) =>
      span.file !== target.document.file || span.startLine < target.startLine || span.startLine > target.endLine,
  );
  if (outside.length === 0) return undefined;
  const lines: string[] = [];
  const ranked = await tellingFirst(outside, symbol.name, library, definitions, signal);
  // Mentions are shown only where no use is certain.
  const certain = ranked.filter(({ isCertain }) => isCertain);
  const shown = certain.length > 0 ? certain : ranked;
  for (const { use, text } of shown.slice(0, USES)) {
    const citation = list.cite({ ...use.span, text, label: use.label });
    lines.push(`- ${whereUsed(use)}: ${code(clip(text.trim().split('\n')[0] ?? '', 100))} [${citation.number}]`);
  }
  if (lines.length === 0) return undefined;
  const unlisted = more + shown.length - lines.length;
  const lead =
    certain.length > 0
      ? l10n.t('{0} is used in:', code(symbol.name))
      : l10n.t('Mentions of {0} in code that may mean another definition:', code(symbol.name));
  if (unlisted > 0) lines.push(`- ${andMore(unlisted)}`);
  return `${lead}\n\n${lines.join('\n')}`;
}
