/**
 * Explains a definition or a selection: what it is, what its comment says, what it calls, returns and raises, and who
 * uses it.
 */
import type { Author, Citation, Explanation } from '../protocol';
import type { Document, DocumentSymbol, SegmentedDocument } from '../workspace';
import { callsOf } from './calls';
import { checkMarkdown, CitationList, clip, locateInLines } from './citations';
import { counted, isBlank, splitLines, textOfLines, throwIfCancelled } from '../base';
import { ExplanationCache } from './explanation-cache';
import { callLine, fence, sourceOf } from './quote/extractive';
import { code, enumerate, firstSentence, labelOf, plainDoc, whatItIs } from './facts';
import { generatedBlock, presentable, type Gister } from './write/gist';
import { docLines, quoteRuns } from './quote/key-lines';
import type { AssistantLibrary } from './library';
import { composeChat, writeProse } from './write/prose';
import { readOrThrow } from './summarize';
import { tellingFirst, USES_LOOKED_AT, whereUsed } from './uses';
import type { Writer } from './write/writer';

export interface ExplainRequest {
  file: string;
  startLine: number;
  endLine: number;
  /** Make it anew although one is cached. */
  fresh?: boolean;
}

export interface ExplainTools {
  library: AssistantLibrary;
  cache?: ExplanationCache;
  writer?: Writer;
  /** Says in a line what a definition without a comment is about. */
  gister?: Gister | undefined;
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** What an explanation is about. */
interface Target {
  document: Document;
  lines: readonly string[];
  symbol?: DocumentSymbol;
  startLine: number;
  endLine: number;
  label: string;
  /** Definitions that lie inside, one level down. */
  members: readonly DocumentSymbol[];
  segmented: SegmentedDocument;
}

const EXTRACTIVE: Author = { kind: 'extractive' };
/** Uses told. */
const USES = 8;

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function explain(request: ExplainRequest, tools: ExplainTools): Promise<Explanation> {
  const { library, cache, writer, gister, progress, signal } = tools;
  progress?.(0, 'Reading');
  const target = await findTarget(request, library);
  throwIfCancelled(signal);
  const text = textOfLines(target.lines, target.startLine, target.endLine);
  // Facts with a model's line are other facts than those without.
  const factsAuthor = gister?.author ?? EXTRACTIVE;
  const keyFor = (author: Author) =>
    ExplanationCache.key(text, target.label, author.kind === 'extractive' ? factsAuthor : author);
  if (cache && !request.fresh) {
    const cached = await cachedExplanation(keyFor(writer?.author ?? EXTRACTIVE), cache, target);
    if (cached) return cached;
  }
  progress?.(0.3, 'Looking up what it calls and who uses it');
  let explanation = await fromFacts(target, library, signal);
  throwIfCancelled(signal);
  if (gister && !writer && !target.symbol?.doc) {
    const block = await gistBlock(text, gister, signal);
    throwIfCancelled(signal);
    if (block !== undefined) explanation = { ...explanation, markdown: `${explanation.markdown}\n\n${block}` };
  }
  if (writer) {
    progress?.(0.5, 'Writing');
    explanation = (await inProse(target, explanation, writer, library, signal)) ?? explanation;
  }
  progress?.(1, 'Done');
  if (cache) await cache.set(keyFor(explanation.author), explanation);
  return explanation;
}

/** The model's own line, marked; undefined where it is not sure or fails: the facts stand by themselves. */
async function gistBlock(text: string, gister: Gister, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const [gist] = await gister.gists([{ text }], signal);
    const line = gist && presentable(gist, text);
    return line === undefined ? undefined : generatedBlock(line, gister.author);
  } catch {
    return undefined;
  }
}

/** A cached explanation whose citations still stand; lines that have moved in this file are followed. */
async function cachedExplanation(
  key: string,
  cache: ExplanationCache,
  target: Target,
): Promise<Explanation | undefined> {
  const cached = await cache.get(key);
  if (!cached) return undefined;
  const citations: Citation[] = [];
  for (const citation of cached.citations) {
    if (citation.file !== target.document.file) {
      citations.push(citation);
      continue;
    }
    const located = locateInLines(citation, target.lines, citation);
    if (located.state !== 'same' && located.state !== 'moved') return undefined;
    citations.push({ ...citation, startLine: located.span.startLine, endLine: located.span.endLine });
  }
  const { file, path } = target.document;
  return { ...cached, file, path, startLine: target.startLine, endLine: target.endLine, citations, cached: true };
}

/**
 * A selection that begins on a definition's head or comment, or lies on one line within it, means the definition; a
 * selection of several lines inside a body means those lines.
 */
async function findTarget(request: ExplainRequest, library: AssistantLibrary): Promise<Target> {
  const document = await readOrThrow(library, request.file);
  const lines = splitLines(document.text);
  const startLine = clampLine(Math.min(request.startLine, request.endLine), lines);
  const endLine = clampLine(Math.max(request.startLine, request.endLine), lines);
  const segmented = await library.segmentsOf(document);
  const { symbols, segments } = segmented;
  const startOf = (symbol: DocumentSymbol) => Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
  const around = symbols.filter(
    (symbol) => startOf(symbol) <= startLine && symbol.endLine >= startLine && symbol.endLine >= endLine,
  );
  const innermost = around.sort((a, b) => a.endLine - startOf(a) - (b.endLine - startOf(b)))[0];
  const covered = symbols.find(
    (symbol) => startLine <= symbol.startLine && symbol.endLine <= endLine && symbol.startLine - startLine <= 2,
  );
  const onHead = innermost && (startLine === endLine || startLine <= innermost.startLine);
  const symbol = onHead ? innermost : covered;
  if (symbol) {
    const first = startOf(symbol);
    const last = Math.min(Math.max(symbol.endLine, symbol.startLine), lines.length);
    const members = symbols.filter(
      (each) =>
        each !== symbol &&
        each.startLine >= symbol.startLine &&
        each.endLine <= last &&
        each.container.length === symbol.container.length + 1,
    );
    return { document, lines, symbol, startLine: first, endLine: last, label: labelOf(symbol), members, segmented };
  }
  // One line outside every definition: the segment it stands in.
  const segment =
    startLine === endLine
      ? segments.find((each) => each.startLine <= startLine && startLine <= each.endLine)
      : undefined;
  const [first, last] = segment ? [segment.startLine, Math.min(segment.endLine, lines.length)] : [startLine, endLine];
  const label = innermost
    ? `${labelOf(innermost)}, lines ${first}–${last}`
    : `${document.path}, lines ${first}–${last}`;
  return { document, lines, startLine: first, endLine: last, label, members: [], segmented };
}

function clampLine(line: number, lines: readonly string[]): number {
  return Math.min(Math.max(1, Math.floor(line)), Math.max(1, lines.length));
}

// ── Facts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function fromFacts(target: Target, library: AssistantLibrary, signal?: AbortSignal): Promise<Explanation> {
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
      `${code(label)} is ${whatItIs(symbol)} in ${code(document.path)}, ${counted(endLine - startLine + 1, 'line')} long [${own.number}].`,
    );
    const doc = docParagraph(symbol.doc);
    if (doc) blocks.push(`> ${doc}`);
    blocks.push(fence(symbol.signature, document.language));
  } else {
    blocks.push(`Lines ${startLine}–${endLine} of ${code(document.path)} read: [${own.number}]`);
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
  if (called.length > 0) blocks.push(`It calls:\n\n${called.join('\n')}`);
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
    author: EXTRACTIVE,
    cached: false,
  };
}

/** The comment's first paragraph in full: an explanation has more room than a line. */
function docParagraph(doc: string | undefined): string | undefined {
  const paragraph = doc?.trim().split(/\n\s*\n/)[0];
  return paragraph ? clip(plainDoc(paragraph), 600) : undefined;
}

function membersBlock({ members, document }: Target): string {
  const most = 14;
  const lines = members.slice(0, most).map((member) => {
    const doc = member.doc ? firstSentence(member.doc, 90) : undefined;
    return `- ${code(`${member.name}`)} (line ${member.startLine})${doc ? `: “${doc}”` : ''}`;
  });
  if (members.length > most) lines.push(`- and ${members.length - most} more`);
  const noun = members.every((member) => member.kind === 'heading') ? 'section' : 'member';
  return `It has ${counted(members.length, noun)}, in ${code(document.path)}:\n\n${lines.join('\n')}`;
}

/** What it returns and raises, read off the statements themselves. */
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
  if (returned.size > 0)
    facts.push(
      `It returns ${enumerate([...returned].slice(0, 4).map(code))}${returned.size > 4 ? ` and ${returned.size - 4} other values` : ''}.`,
    );
  if (raised.size > 0) facts.push(`It raises ${enumerate([...raised].slice(0, 5).map(code))}.`);
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
  const ranked = await tellingFirst(outside, symbol.name, library, signal);
  for (const { use, text } of ranked.slice(0, USES)) {
    const citation = list.cite({ ...use.span, text, label: use.label });
    lines.push(`- ${whereUsed(use)}: ${code(clip(text.trim().split('\n')[0] ?? '', 100))} [${citation.number}]`);
  }
  if (lines.length === 0) return undefined;
  const unsaid = more + ranked.length - lines.length;
  const shared = definitions.length > 1 ? ` (${counted(definitions.length, 'definition')} share this name)` : '';
  return `${code(symbol.name)} is named in${shared}:\n\n${lines.join('\n')}${unsaid > 0 ? `\n- and ${counted(unsaid, 'more place')}` : ''}`;
}

// ── Prose ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The facts with a paragraph by the model before them; undefined when it could not write one. */
async function inProse(
  target: Target,
  facts: Explanation,
  writer: Writer,
  library: AssistantLibrary,
  signal?: AbortSignal,
): Promise<Explanation | undefined> {
  const spans = facts.citations.map((citation, index) => ({
    file: citation.file,
    path: citation.path,
    startLine: citation.startLine,
    endLine: citation.endLine,
    score: 1 / (index + 1),
    breadcrumb: [citation.label],
    reasons: [],
    text: citation.text,
    language: target.document.language,
  }));
  try {
    const composed = await composeChat(
      `Explain ${target.label} in a few sentences: what it does and how.`,
      spans,
      [],
      writer,
      library,
      signal,
    );
    const prose = await writeProse(composed, writer, library, { signal, onText: () => {} });
    throwIfCancelled(signal);
    if (prose.markdown === '') return undefined;
    return { ...facts, markdown: prose.markdown, citations: prose.citations, author: writer.author };
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}
