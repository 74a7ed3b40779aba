/**
 * The answer without a model: the best places, a fact about each, and the lines that show it. Every sentence is a fact
 * from the sources (a definition's kind, owner, comment, callers). Nothing is inferred.
 */
import * as l10n from '@vscode/l10n';
import { throwIfCancelled } from '../../base';
import type { Citation } from '../../protocol';
import { pathKind } from '../../workspace';
import type { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';
import type { Question } from '../../search';
import { usersBlock } from '../uses';
import { askedNamesBlock } from './asked-names';
import { callsBlock } from './calls-block';
import { whereOf } from './cited-lines';
import { compareBlock } from './compare-block';
import type { Evidence } from './evidence';
import { listBlock } from './list-block';
import type { Passage } from './passages';
import { furtherLine, placeBlock, proseBlock } from './place-block';

/** Maximum number of places shown with their lines, and of places listed below them. */
const PLACES = 4;
const FURTHER_PLACES = 4;
/** Maximum number of places below a list or a comparison. */
const PLACES_BELOW = 3;
/** Quotes of prose are short, so more of them are shown. */
const PROSE_PLACES = 8;
/** Maximum characters of their quotes, in order. The first lines of the answer shall hold several. */
const QUOTES = [340, 340, 340, 340, 300];
/** Minimum score of a shown place, as a share of the best place's score. */
const WORTH_SHOWING = 0.3;
/** Minimum share of the question's weight in a listed place. */
const WORTH_LISTING = 0.25;
/** Maximum lines of a definition that only delegates to another. */
const DELEGATING_LINES = 8;

/**
 * Writes the answer from evidence with `answers: true`.
 * @returns Markdown blocks in display order. Each block is complete, so it can be streamed.
 */
export async function answerFromSources(
  question: Question,
  { spans, sides, listing, passages, weights, source }: Evidence,
  library: AssistantLibrary,
  citations: CitationList,
  signal?: AbortSignal,
): Promise<string[]> {
  const blocks: string[] = [];
  const [best] = passages;
  if (!best) return blocks;

  const users = question.form === 'users' ? await usersBlock(question, library, citations, signal) : undefined;
  if (users) blocks.push(users);

  const listed = listing && (await listBlock(listing, source, citations));
  if (listed) blocks.push(listed);
  const compared = sides && (await compareBlock(sides, source, citations, signal));
  if (compared) blocks.push(compared.markdown);
  const isTold = ({ document, startLine, endLine }: Passage): boolean =>
    (compared?.passages.some((passage) => document === passage.document && startLine === passage.startLine) ?? false) ||
    (listed !== undefined &&
      (listing?.items.some(
        (item) => item.file === document.file && startLine <= item.startLine && item.startLine <= endLine,
      ) ??
        false));
  const hasLead = users !== undefined || listed !== undefined || compared !== undefined;

  // Below a list of uses the reader needs the definition, and no further uses.
  const eligible = users
    ? [passages.find((passage) => defines(passage, question)) ?? best]
    : passages.filter((passage) => !isTold(passage));
  const shown = eligible
    .slice(0, hasLead && !users ? PLACES_BELOW : best.kind === 'prose' ? PROSE_PLACES : PLACES)
    .filter(
      (passage, index) =>
        index === 0 ||
        passage.score > WORTH_SHOWING * best.score ||
        (best.kind === 'prose' && passage.kind === 'prose'),
    );
  for (const [index, passage] of shown.entries()) {
    throwIfCancelled(signal);
    const before = citations.all.length;
    const block =
      passage.kind === 'prose'
        ? proseBlock(passage, weights, question, citations, {
            most: QUOTES[Math.min(index, QUOTES.length - 1)],
            isSameFile: index > 0 && shown[index - 1]?.document === passage.document,
          })
        : placeBlock(passage, weights, question, citations, linesFor(passage, index));
    // A place without a citation of its own repeats lines of an earlier one.
    if (index > 0 && citations.all.length === before) continue;
    if (index === 0 && (users || (!hasLead && passage.kind !== 'prose')))
      blocks.push(lead(passage, block.citation, question, users !== undefined));
    blocks.push(block.markdown);
    if (
      index === 0 &&
      !users &&
      !compared &&
      question.form !== 'value' &&
      (question.form !== 'where' || delegates(passage))
    ) {
      const calls = await callsBlock(passage, question, weights, library, source, citations);
      if (calls) blocks.push(calls);
    }
  }
  const further = eligible
    .slice(shown.length)
    .filter(
      (passage) => passage.coverage > WORTH_LISTING && (question.wants.tests || !pathKind(passage.document.path).test),
    )
    .slice(0, FURTHER_PLACES);
  const named = users ? undefined : await askedNamesBlock(question, blocks.join('\n'), spans, source, citations);
  if (named) blocks.push(named);
  if (further.length > 0)
    blocks.push(
      [l10n.t('See also:'), '', ...further.map((passage) => `- ${furtherLine(passage, weights, citations)}`)].join(
        '\n',
      ),
    );
  return blocks;
}

function defines({ symbol }: Passage, { names }: Question): boolean {
  return symbol !== undefined && names.includes(symbol.name);
}

/** True for a body of a few lines: it delegates, so its calls show where the work is done. */
function delegates({ startLine, endLine }: Passage): boolean {
  return endLine - startLine < DELEGATING_LINES;
}

/**
 * Number of quoted lines. The best place gets most. A type shows only its head and the members that the question names.
 */
function linesFor({ symbol }: Passage, index: number): number {
  const isType =
    symbol !== undefined &&
    ['class', 'interface', 'struct', 'enum', 'trait', 'namespace', 'module'].includes(symbol.kind);
  if (index === 0) return isType ? 10 : 18;
  return isType ? 6 : 10;
}

function lead(best: Passage, cited: Citation, question: Question, afterUsers: boolean): string {
  const where = `${whereOf(best, cited)} [${cited.number}]`;
  return afterUsers && defines(best, question)
    ? l10n.t('Best matching definition: {0}.', where)
    : l10n.t('Best match: {0}.', where);
}
