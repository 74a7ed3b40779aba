/**
 * The answer without a model: which places answer, what is true of each, and the few lines that say so. Every sentence
 * is a fact read off the sources (a definition's kind, owner, own comment, callers); none is inferred or written
 * freely.
 */
import { pathKind } from '../../search/paths';
import type { Citation, RankedSpan, Scope } from '../../protocol';
import { askedNamesBlock } from './asked-names';
import { callsOf, type Call } from '../calls';
import { CitationList } from '../citations';
import type { DocumentSymbol } from '../../workspace';
import { code, docSentences, enumerate, firstSentence, labelOf, whatItIs } from '../facts';
import { clusterRuns, docLines, keyLines, quoteRuns, type Run } from './key-lines';
import type { AssistantLibrary, Definition } from '../library';
import { isBlank, textOfLines, throwIfCancelled } from '../../base';
import { FileShelf, selectPassages, type Passage } from './passages';
import { bestSentences } from './prose-quotes';
import type { Question } from '../question';
import type { TermWeights } from '../relevance';
import { usersBlock } from '../uses';

export interface ExtractiveAnswer {
  /** Markdown in the order it is shown; each block stands by itself, so that it can be streamed. */
  blocks: readonly string[];
  citations: readonly Citation[];
  notices: readonly string[];
}

export interface ExtractiveOptions {
  scope: Scope;
  signal?: AbortSignal;
  /** Places shown with their lines. */
  places?: number;
}

const PLACES = 4;
const FURTHER_PLACES = 4;
/** Calls of the best place that are named, and those they are chosen from. */
const CALLS = 5;
const CALLS_LOOKED_AT = 16;
/** Share of the question that a further sentence of a comment must add. */
const FURTHER_SENTENCE = 0.15;
/** Lines of a definition that can do little but call another. */
const DELEGATING_LINES = 8;
/**
 * A place that holds less than this share of the question's words, and less than this many of them, is called near, not
 * likely: a long question is never said in full.
 */
const WEAK_COVERAGE = 0.34;
const WEAK_WORDS = 3;

export async function answerFromSources(
  question: Question,
  spans: readonly RankedSpan[],
  library: AssistantLibrary,
  options: ExtractiveOptions,
): Promise<ExtractiveAnswer> {
  const { signal } = options;
  const shelf = new FileShelf(library);
  const places = options.places ?? PLACES;
  const { passages, weights } = await selectPassages(question, spans, shelf, places + FURTHER_PLACES, signal);
  const citations = new CitationList();
  const blocks: string[] = [];
  const notices = await unknownNames(question, library);
  const best = passages[0];
  if (!best) {
    return { blocks: [nothingFound(options.scope)], citations: [], notices };
  }

  const users = question.form === 'users' ? await usersBlock(question, library, citations, signal) : undefined;
  if (users) blocks.push(users);

  // Who uses a name is told; beside that the reader wants the definition, and no further places that use it.
  const eligible = users ? [passages.find((passage) => defines(passage, question)) ?? best] : passages;
  const shown = eligible.slice(0, places).filter((passage, index) => index === 0 || passage.score > 0.3 * best.score);
  for (const [index, passage] of shown.entries()) {
    throwIfCancelled(signal);
    const block = placeBlock(passage, weights, question, citations, linesFor(passage, index));
    if (index === 0) blocks.push(lead(passage, block.citation, question, users !== undefined));
    blocks.push(block.markdown);
    if (index === 0 && !users && question.form !== 'value' && (question.form !== 'where' || delegates(passage))) {
      const calls = await callsBlock(passage, question, weights, library, shelf, citations);
      if (calls) blocks.push(calls);
    }
  }
  const further = eligible
    .slice(shown.length)
    .filter((passage) => passage.coverage > 0.25 && (question.wants.tests || !pathKind(passage.document.path).test))
    .slice(0, FURTHER_PLACES);
  const named = users ? undefined : await askedNamesBlock(question, blocks.join('\n'), spans, shelf, citations);
  if (named) blocks.push(named);
  if (further.length > 0) {
    blocks.push(
      ['Further places:', '', ...further.map((passage) => `- ${furtherLine(passage, weights, citations)}`)].join('\n'),
    );
  }
  return { blocks, citations: citations.all, notices };
}

function defines({ symbol }: Passage, { names }: Question): boolean {
  return symbol !== undefined && names.includes(symbol.name);
}

/** A body of a few lines hands the work on: where it is done is where it leads. */
function delegates({ startLine, endLine }: Passage): boolean {
  return endLine - startLine < DELEGATING_LINES;
}

// ── Parts of the answer ───────────────────────────────────────────────────────────────────────────────────────────

/** "`Flask.dispatch_request` in `src/flask/app.py`", or lines of a file where nothing is defined. */
function whereOf({ symbol, label, document }: Passage, { startLine, endLine }: Run): string {
  if (symbol) return `${code(label)} in ${code(document.path)}`;
  return `${endLine > startLine ? `lines ${startLine}–${endLine}` : `line ${startLine}`} of ${code(document.path)}`;
}

/** Lines quoted: most from the best place; of a type only its head and what the question names. */
function linesFor({ symbol }: Passage, index: number): number {
  const isType =
    symbol !== undefined &&
    ['class', 'interface', 'struct', 'enum', 'trait', 'namespace', 'module'].includes(symbol.kind);
  if (index === 0) return isType ? 10 : 18;
  return isType ? 6 : 10;
}

function lead(best: Passage, cited: Citation, question: Question, afterUsers: boolean): string {
  const where = `${whereOf(best, cited)} [${cited.number}]`;
  if (afterUsers && defines(best, question)) return `The definition that matches the question best is ${where}.`;
  if (best.coverage < WEAK_COVERAGE && best.words < WEAK_WORDS)
    return `No place matches the question well; the nearest is ${where}.`;
  return `${afterUsers ? 'The place that matches the question best' : 'The most likely place'} is ${where}.`;
}

interface Block {
  markdown: string;
  citation: Citation;
}

/**
 * Lines between two quotes that one citation may span, and lines it may have in all: a citation should show what it is
 * for.
 */
const GAP = 12;
const CITED_LINES = 40;

function placeBlock(
  passage: Passage,
  weights: TermWeights,
  question: Question,
  citations: CitationList,
  budget: number,
): Block {
  if (passage.kind === 'prose') return proseBlock(passage, weights, citations);
  const { lines, document } = passage;
  const [first = [], ...rest] = clusterRuns(keyLines(passage, weights, question.form, budget), GAP);
  const head = headRun(passage);
  const quoted = {
    startLine: first[0]?.startLine ?? head.startLine,
    endLine: first[first.length - 1]?.endLine ?? head.endLine,
  };
  // Lines without a definition have no head that is worth a citation of its own.
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
    if (index > 0 || !together)
      parts.push(
        `${end > start ? `Lines ${start}–${end}` : `Line ${start}`}: [${cite(passage, { startLine: start, endLine: end }, citations).number}]`,
      );
    parts.push(fence(quoteRuns(lines, runs), document.language));
  }
  return { markdown: parts.join('\n\n'), citation };
}

/** "`Flask.dispatch_request` is a method of `Flask` (`src/flask/app.py:966`): “Does the request dispatching.” [1]" */
function factSentence(passage: Passage, weights: TermWeights, citation: Citation): string {
  const { symbol, document } = passage;
  const place = `${code(`${document.path}:${symbol?.startLine ?? passage.startLine}`)}`;
  if (!symbol) return `${code(document.path)} reads, from line ${citation.startLine} on: [${citation.number}]`;
  const doc = symbol.doc ? firstSentence(symbol.doc, 240, 36) : undefined;
  const head = `**${code(labelOf(symbol))}** is ${whatItIs(symbol)} (${place})`;
  if (!doc) return `${head}. [${citation.number}]`;
  const further = furtherSentence(symbol, doc, weights);
  return `${head}: “${doc}”${further === undefined ? '' : ` … “${further}”`} [${citation.number}]`;
}

/**
 * The sentence of the comment that says most of what the question asks and the first one leaves out, where that is
 * much.
 */
function furtherSentence(symbol: DocumentSymbol, first: string, weights: TermWeights): string | undefined {
  const { doc = '', docLine = Infinity, startLine } = symbol;
  // Of a comment below the declaration only the first paragraph is within the citation.
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

function proseBlock(passage: Passage, weights: TermWeights, citations: CitationList): Block {
  const quote = bestSentences(passage, weights);
  const citation = cite(passage, quote.run, citations);
  const section = passage.symbol
    ? `The section **${code(labelOf(passage.symbol))}** of ${code(passage.document.path)}`
    : `${code(passage.document.path)}`;
  return {
    markdown: `${section} says: [${citation.number}]\n\n${quote.text
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n')}`,
    citation,
  };
}

function furtherLine(passage: Passage, weights: TermWeights, citations: CitationList): string {
  const run = passage.kind === 'prose' ? bestSentences(passage, weights).run : headRun(passage);
  const citation = cite(passage, run, citations);
  const { symbol } = passage;
  const doc = symbol?.doc ? firstSentence(symbol.doc, 120) : undefined;
  if (!symbol) return `${whereOf(passage, citation)} [${citation.number}]`;
  return `${code(passage.label)}, ${whatItIs(symbol)} in ${code(passage.document.path)}${doc ? `: “${doc}”` : ''} [${citation.number}]`;
}

/**
 * "It calls `a` [2], `b` [3] …": names whose definition in the workspace is certain; of a place the question does not
 * name, only those that say a word of it.
 */
async function callsBlock(
  passage: Passage,
  question: Question,
  weights: TermWeights,
  library: AssistantLibrary,
  shelf: FileShelf,
  citations: CitationList,
): Promise<string | undefined> {
  if (!passage.symbol || passage.kind !== 'code' || !['function', 'method'].includes(passage.symbol.kind))
    return undefined;
  const all = await callsOf(passage, library, CALLS_LOOKED_AT);
  const relevance = ({ definition: { symbol } }: Call) => weights.matched(`${symbol.name} ${symbol.doc ?? ''}`);
  const named = question.names.includes(passage.symbol.name);
  const telling = all.filter((call) => named || relevance(call) > 0);
  const told = new Set([...telling].sort((a, b) => relevance(b) - relevance(a)).slice(0, CALLS));
  const calls = telling.filter((call) => told.has(call));
  const parts: string[] = [];
  for (const call of calls) {
    const file = await shelf.open(call.definition.file);
    if (!file) continue;
    const citation = citations.cite(sourceOf(call.definition, file.lines));
    parts.push(`- ${callLine(call)} [${citation.number}]`);
  }
  return parts.length === 0 ? undefined : `${code(labelOf(passage.symbol))} calls:\n\n${parts.join('\n')}`;
}

/** "`a` in `a.py` (called by the function `run` inside): “…”" */
export function callLine({ definition: { symbol, path }, within }: Call): string {
  const doc = symbol.doc ? firstSentence(symbol.doc, 100) : undefined;
  return `${code(labelOf(symbol))} in ${code(path)}${within === undefined ? '' : ' (by a function defined inside)'}${doc ? `: “${doc}”` : ''}`;
}

/** Names of code in the question that no indexed file holds: better said than passed over. */
async function unknownNames(question: Question, library: AssistantLibrary): Promise<string[]> {
  const unknown: string[] = [];
  for (const name of question.names) {
    if (!/_|\p{Ll}\p{Lu}/u.test(name) || (await library.definitions(name)).length > 0) continue;
    if ((await library.users(name, { limit: 1 })).users.length === 0) unknown.push(code(name));
  }
  return unknown.length === 0
    ? []
    : [`${enumerate(unknown)} ${unknown.length === 1 ? 'does' : 'do'} not occur in the indexed files.`];
}

function nothingFound(scope: Scope): string {
  if (scope.kind === 'workspace')
    return 'Nothing in the indexed files matches the words of this question. Naming a class, function, file or error message usually helps.';
  return 'Nothing in the chosen scope matches the words of this question. Asking about the whole workspace searches the rest.';
}

// ── Places ────────────────────────────────────────────────────────────────────────────────────────────────────────

function cite(passage: Passage, run: Run, citations: CitationList): Citation {
  return citations.cite({
    file: passage.document.file,
    path: passage.document.path,
    startLine: run.startLine,
    endLine: run.endLine,
    text: textOfLines(passage.lines, run.startLine, run.endLine),
    label: passage.label,
  });
}

/** The declaration with its doc comment's beginning. */
function headRun(passage: Passage): Run {
  const { symbol } = passage;
  if (!symbol) return { startLine: passage.startLine, endLine: Math.min(passage.endLine, passage.startLine + 5) };
  return headOfSymbol(symbol, passage.lines, docLines(passage));
}

function headOfSymbol(
  symbol: Passage['symbol'] & object,
  lines: readonly string[],
  isDoc: (line: number) => boolean,
): Run {
  const startLine = Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
  let endLine = symbol.startLine;
  if (symbol.docLine !== undefined && symbol.docLine > symbol.startLine) {
    endLine = symbol.docLine;
    // The first paragraph of a docstring holds its first sentence.
    while (
      isDoc(endLine + 1) &&
      endLine < symbol.endLine &&
      !(endLine > symbol.docLine && isBlank(lines[endLine] ?? ''))
    )
      endLine++;
  }
  return { startLine, endLine };
}

/** The declaration of a definition elsewhere, as a source to cite. */
export function sourceOf(definition: Definition, lines: readonly string[]): Parameters<CitationList['cite']>[0] {
  const { symbol } = definition;
  const run = headOfSymbol(symbol, lines, docLines({ symbol, lines }));
  return {
    file: definition.file,
    path: definition.path,
    ...run,
    text: textOfLines(lines, run.startLine, run.endLine),
    label: labelOf(symbol),
  };
}

/** A fence longer than any in the quote. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}
