/** Writes one place of an extractive answer: facts from the source, then the quoted lines. */
import * as l10n from '@vscode/l10n';
import type { Citation } from '../../protocol';
import { type DocumentSymbol, withoutRoles } from '../../workspace';
import type { CitationList } from '../citations';
import { code, docSentences, firstSentence, labelOf, whatItIs } from '../facts';
import type { Question } from '../../search';
import type { TermCoverage } from '../../search';
import { linesText, linesTitle } from '../phrases';
import { cite, fence, headRun, linesInFile, whereOf } from './cited-lines';
import { clusterRuns, keyLines, quoteRuns, type Run } from './key-lines';
import type { Passage } from './passages';
import { quoteProse } from './prose-quotes';

/** Minimum share of the question that a second sentence of a comment must add. */
const FURTHER_SENTENCE = 0.15;

export interface PlaceBlock {
  markdown: string;
  citation: Citation;
}

/**
 * Maximum lines between two quotes of one citation, and maximum lines of a citation. Longer citations would show
 * unrelated lines.
 */
const GAP = 12;
const CITED_LINES = 40;
/** Further lines shown of a definition whose site is quoted. */
const BESIDE_SITE = 8;

/** Whether lines are not in a site. */
const outside =
  (site: Run) =>
  ({ startLine, endLine }: Run): boolean =>
    endLine < site.startLine || startLine > site.endLine;

/** One place of the answer: a sentence of facts and the quoted lines. `budget` is the number of lines to quote. */
export function placeBlock(
  passage: Passage,
  weights: TermCoverage,
  question: Question,
  citations: CitationList,
  budget: number,
): PlaceBlock {
  if (passage.kind === 'prose') return proseBlock(passage, weights, question, citations);
  const { lines, document } = passage;
  const key = keyLines(passage, weights, question.form, passage.site ? Math.min(budget, BESIDE_SITE) : budget);
  const [first = [], ...rest] = passage.site
    ? [[passage.site], ...clusterRuns(key.filter(outside(passage.site)), GAP)]
    : clusterRuns(key, GAP);
  const head = headRun(passage);
  const quoted = {
    startLine: first[0]?.startLine ?? head.startLine,
    endLine: first[first.length - 1]?.endLine ?? head.endLine,
  };
  // Lines without a definition have no head to cite separately.
  const together =
    !passage.symbol ||
    (quoted.startLine - head.endLine <= GAP &&
      quoted.endLine - head.startLine < CITED_LINES &&
      head.startLine <= quoted.endLine);
  const citation = cite(
    passage,
    !passage.symbol
      ? quoted
      : together
        ? { startLine: Math.min(head.startLine, quoted.startLine), endLine: Math.max(head.endLine, quoted.endLine) }
        : head,
    citations,
  );
  const parts = [factSentence(passage, weights, citation)];
  for (const [index, runs] of [first, ...rest].entries()) {
    const start = runs[0]?.startLine;
    const end = runs[runs.length - 1]?.endLine;
    if (start === undefined || end === undefined) continue;
    if (index > 0 || !together) {
      const { startLine, endLine } = linesInFile(document, { startLine: start, endLine: end });
      const { number } = cite(passage, { startLine: start, endLine: end }, citations);
      parts.push(`${linesTitle(startLine, endLine)}: [${number}]`);
    }
    parts.push(fence(quoteRuns(lines, runs), document.language));
  }
  return { markdown: parts.join('\n\n'), citation };
}

/** "`Flask.dispatch_request` is a method of `Flask` (`src/flask/app.py:966`): “Does the request dispatching.” [1]" */
function factSentence(passage: Passage, weights: TermCoverage, citation: Citation): string {
  const { symbol, document } = passage;
  if (!symbol) return `${code(document.path)}, ${linesText(linesInFile(document, citation))}: [${citation.number}]`;
  const place = code(`${document.path}:${linesInFile(document, symbol).startLine}`);
  const doc = symbol.doc ? firstSentence(symbol.doc, 240, 36) : undefined;
  const head = l10n.t('{0} is {1} ({2})', `**${code(labelOf(symbol))}**`, whatItIs(symbol), place);
  if (!doc) return `${l10n.t('{0}.', head)} [${citation.number}]`;
  const further = furtherSentence(symbol, doc, weights);
  const said = `${l10n.t('“{0}”', doc)}${further === undefined ? '' : ` … ${l10n.t('“{0}”', further)}`}`;
  return `${head}: ${said} [${citation.number}]`;
}

/**
 * The sentence of the comment that adds most question words to the first sentence. Undefined if it adds too few.
 */
function furtherSentence(symbol: DocumentSymbol, first: string, weights: TermCoverage): string | undefined {
  const { doc = '', docLine = Infinity, startLine } = symbol;
  // The citation includes only the first paragraph of a comment below the declaration.
  const cited = docLine < startLine ? doc : (doc.split(/\n\s*\n/)[0] ?? '');
  const said = weights.matched(first);
  let best: string | undefined;
  let most = FURTHER_SENTENCE * weights.total;
  for (const sentence of docSentences(cited)) {
    const adds = weights.matched(`${first} ${sentence}`) - said;
    if (adds > most && sentence.length <= 300 && !first.includes(sentence)) [best, most] = [sentence, adds];
  }
  return best;
}

/**
 * "**Section** in `path` [1]" and the quote.
 *
 * @param most maximum characters of the quote
 * @param isSameFile the place above is in the same file, so its path need not be repeated
 */
export function proseBlock(
  passage: Passage,
  weights: TermCoverage,
  { form }: Question,
  citations: CitationList,
  { most, isSameFile = false }: { most?: number | undefined; isSameFile?: boolean } = {},
): PlaceBlock {
  const quote = quoteProse(passage, weights, form, most);
  const citation = cite(passage, quote.run, citations);
  const title = passage.symbol && clipped(passage.symbol.name);
  const path = code(passage.document.path);
  const section = title === undefined ? path : isSameFile ? `**${title}**` : l10n.t('{0} in {1}', `**${title}**`, path);
  return {
    markdown: `${section} [${citation.number}]\n\n${quote.text
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n')}`,
    citation,
  };
}

/** One line of the list "See also". */
export function furtherLine(passage: Passage, weights: TermCoverage, citations: CitationList): string {
  const run = passage.kind === 'prose' ? quoteProse(passage, weights, 'other').run : headRun(passage);
  const citation = cite(passage, run, citations);
  const { symbol } = passage;
  const doc = symbol?.doc ? firstSentence(symbol.doc, 120) : undefined;
  if (!symbol) return `${whereOf(passage, citation)} [${citation.number}]`;
  const place = l10n.t('{0}, {1} in {2}', code(passage.label), whatItIs(symbol), code(passage.document.path));
  return `${place}${doc ? `: ${l10n.t('“{0}”', doc)}` : ''} [${citation.number}]`;
}

const TITLE_CHARACTERS = 80;

/** A title without marks that Markdown would read. */
function clipped(title: string): string {
  const plain = withoutRoles(title)
    .replace(/[*_`[\]<>]/g, '')
    .trim();
  return plain.length > TITLE_CHARACTERS ? `${plain.slice(0, TITLE_CHARACTERS)}…` : plain;
}
