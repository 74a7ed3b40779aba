/**
 * A summary of a file of any length: its outline, nested as the file is, with one line for each part, and a paragraph over the
 * whole. Code is outlined by definitions, prose by headings, everything else by its segments, so that no line is left out.
 */
import { ReadError } from '../library/documents/read';
import type { Author, ErrorCode, Summary, SummaryPart } from '../protocol';
import type { Document, DocumentSymbol, SegmentedDocument } from '../library/types';
import { AssistantError, throwIfCancelled } from './errors';
import { clip } from './citations';
import { counted, enumerate, firstSentence, plainDoc } from './facts';
import { isBlank, splitLines } from './lines';
import type { AssistantLibrary } from './library';

const EXTRACTIVE: Author = { kind: 'extractive' };

export interface SummarizeTools {
  library: Pick<AssistantLibrary, 'read' | 'segmentsOf'>;
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** @throws AssistantError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function summarize(file: string, { library, progress, signal }: SummarizeTools): Promise<Summary> {
  progress?.(0, 'Reading');
  const document = await readOrThrow(library, file);
  throwIfCancelled(signal);
  progress?.(0.3, 'Outlining');
  const segmented = await library.segmentsOf(document);
  throwIfCancelled(signal);
  const lines = splitLines(document.text);
  const outline = new Outline(document, segmented, lines);
  progress?.(0.7, 'Describing parts');
  const parts = outline.parts();
  const overview = overviewOf(document, segmented, lines, parts);
  progress?.(1, 'Done');
  const notices = ['No model is installed: the lines come from the file’s own comments, headings and declarations.'];
  return { file: document.file, path: document.path, language: document.language, lines: lines.length, overview, parts, author: EXTRACTIVE, notices };
}

/** Reads a file; a failure says what the user can do. @throws AssistantError('fileNotFound' | 'fileUnreadable') */
export async function readOrThrow(library: Pick<AssistantLibrary, 'read'>, file: string): Promise<Document> {
  try {
    return await library.read(file);
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    const known = UNREADABLE[error.code];
    throw new AssistantError(known.code, error.message, known.hint, { cause: error });
  }
}

const UNREADABLE: Record<ReadError['code'], { code: ErrorCode; hint: string }> = {
  missing: { code: 'fileNotFound', hint: 'It may have been moved or deleted.' },
  denied: { code: 'fileUnreadable', hint: 'Check the permissions of the file.' },
  binary: { code: 'fileUnreadable', hint: 'Only text files can be read.' },
  tooLarge: { code: 'fileUnreadable', hint: 'The setting for the largest file decides what is read.' },
  directory: { code: 'fileUnreadable', hint: 'Choose a file in it.' },
  failed: { code: 'fileUnreadable', hint: 'See whether another program can open it.' },
};

/** Runs between definitions shorter than this (non-blank lines) belong to their surroundings. */
const LOOSE_LINES = 3;

class Outline {
  private readonly isProse: boolean;
  private readonly symbols: readonly DocumentSymbol[];

  constructor(
    document: Document,
    private readonly segmented: SegmentedDocument,
    private readonly lines: readonly string[],
  ) {
    this.isProse = segmented.method === 'headings';
    const isData = segmented.segments.length > 0 && segmented.segments.every((segment) => segment.kind === 'data');
    this.symbols = [...segmented.symbols]
      .filter((symbol) => (this.isProse ? symbol.kind === 'heading' : isData || symbol.kind !== 'key' || document.language === 'yaml'))
      .sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
  }

  parts(): SummaryPart[] {
    const roots = this.nest();
    if (roots.length === 0) return this.segmentParts(1, this.lines.length);
    return this.withLooseLines(roots, 1, this.lines.length);
  }

  /** Symbols as a tree by their line ranges; fields that share a line with their owner stay leaves. */
  private nest(): Node[] {
    const roots: Node[] = [];
    const open: Node[] = [];
    for (const symbol of this.symbols) {
      const start = Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
      const node: Node = { symbol, start, end: Math.min(symbol.endLine, this.lines.length), children: [] };
      while (open.length > 0 && !holds(open[open.length - 1] as Node, node, this.isProse)) open.pop();
      const parent = open[open.length - 1];
      (parent ? parent.children : roots).push(node);
      open.push(node);
    }
    return roots;
  }

  /** The parts of a range: the nodes in it, and what stands between them where that is more than a few lines. */
  private withLooseLines(nodes: readonly Node[], first: number, last: number): SummaryPart[] {
    const parts: SummaryPart[] = [];
    let next = first;
    const loose = (end: number) => {
      const ink = this.lines.slice(next - 1, end).filter((line) => !isBlank(line)).length;
      if (ink >= LOOSE_LINES) parts.push(...this.segmentParts(next, end));
    };
    for (const node of nodes) {
      if (node.start > next) loose(node.start - 1);
      parts.push(this.partOf(node));
      next = Math.max(next, node.end + 1);
    }
    if (next <= last) loose(last);
    return parts;
  }

  private partOf(node: Node): SummaryPart {
    const { symbol } = node;
    // Members of functions are their own affair; types and sections show what is in them.
    const shows = symbol.kind !== 'function' && symbol.kind !== 'method';
    const children = shows || node.end - node.start > 150 ? node.children.map((child) => this.partOf(child)) : [];
    return { title: symbol.name, kind: symbol.kind, startLine: node.start, endLine: node.end, line: this.describe(node), author: EXTRACTIVE, children };
  }

  /** One line: the comment's or section's first sentence, else the declaration itself, else what it contains. */
  private describe({ symbol, start, end, children }: Node): string {
    if (symbol.kind === 'heading') return firstProse(this.lines, symbol.startLine, children[0] ? children[0].start - 1 : end) ?? sectionsLine(children) ?? this.firstInk(symbol.startLine, end) ?? 'An empty section.';
    const doc = symbol.doc ? firstSentence(symbol.doc, 200) : undefined;
    if (doc) return doc;
    const members = children.filter((child) => child.symbol.kind !== 'field');
    const size = counted(end - start + 1, 'line');
    const holds = members.length > 0 && symbol.kind !== 'function' && symbol.kind !== 'method' ? `; ${enumerate(namesOf(members, 6))}` : '';
    return clip(`${symbol.signature}${holds}${end > start ? ` (${size})` : ''}`, 220);
  }

  /** The first line below a heading that says anything: sections of code or directives alone have no prose. */
  private firstInk(headingLine: number, last: number): string | undefined {
    const telling = this.lines.slice(headingLine, last).find((line) => /[\p{L}\p{N}]/u.test(line) && !/^\s*(```|~~~)/.test(line));
    return telling === undefined ? undefined : clip(telling.trim(), 200);
  }

  /** Where nothing is defined: the segments, each with its first telling line. */
  private segmentParts(first: number, last: number): SummaryPart[] {
    const parts: SummaryPart[] = [];
    for (const segment of this.segmented.segments) {
      const startLine = Math.max(segment.startLine, first);
      const endLine = Math.min(segment.endLine, last);
      if (startLine > endLine) continue;
      const inside = this.lines.slice(startLine - 1, endLine);
      const telling = inside.find((line) => /[\p{L}\p{N}]/u.test(line) && !line.startsWith('#!'));
      if (!telling && inside.some((line) => !isBlank(line))) parts.push(this.plain(linesTitle(startLine, endLine), 'lines', startLine, endLine, clip(inside.map((line) => line.trim()).join(' '), 80)));
      if (!telling) continue;
      parts.push(this.loosePart(startLine, endLine, inside, telling));
    }
    return parts;
  }

  private loosePart(startLine: number, endLine: number, inside: readonly string[], telling: string): SummaryPart {
    const ink = inside.filter((line) => !isBlank(line));
    const imports = ink.filter((line) => /^\s*(import\b|from\s+\S+\s+import\b|use\s|using\s|#include\b|require\b|(const|let|var)\s.*\brequire\()/.test(line)).length;
    const comments = ink.filter((line) => /^\s*(\/\/|#|\/?\*|--|;|<!--)/.test(line)).length;
    if (imports > 0 && imports >= ink.length / 2) return this.plain('Imports', 'imports', startLine, endLine, `${counted(imports, 'import')}: ${clip(ink[0]?.trim() ?? '', 120)}${imports > 1 ? ' …' : ''}`);
    const text = clip(plainDoc(telling.trim().replace(/^(\/\/+!?|#+|\/\*+|\*+|--|;+|<!--)\s*/, '')), 200);
    if (comments >= ink.length * 0.8) return this.plain('Comment', 'comment', startLine, endLine, text);
    const title = this.isProse ? 'Text' : linesTitle(startLine, endLine);
    return this.plain(title, this.isProse ? 'text' : 'lines', startLine, endLine, text);
  }

  private plain(title: string, kind: string, startLine: number, endLine: number, line: string): SummaryPart {
    return { title, kind, startLine, endLine, line, author: EXTRACTIVE, children: [] };
  }
}

interface Node {
  symbol: DocumentSymbol;
  /** Doc comment included. */
  start: number;
  end: number;
  children: Node[];
}

/** Headings nest by their container, for a heading's range may or may not include its subsections. */
function holds(outer: Node, inner: Node, byContainer: boolean): boolean {
  if (!byContainer) return outer.symbol.startLine <= inner.start && inner.end <= outer.end;
  const { container } = inner.symbol;
  return container.length > outer.symbol.container.length && container[outer.symbol.container.length] === outer.symbol.name;
}

function namesOf(nodes: readonly Node[], most: number): string[] {
  const names = nodes.slice(0, most).map((node) => node.symbol.name);
  return nodes.length > most ? [...names, `${nodes.length - most} more`] : names;
}

function sectionsLine(children: readonly Node[]): string | undefined {
  return children.length > 0 ? `Sections: ${enumerate(namesOf(children, 8))}.` : undefined;
}

const ADORNMENT = /^[=\-~^"*+#'`:.]{3,}\s*$/;

/** First sentence of the first paragraph below a heading. */
function firstProse(lines: readonly string[], headingLine: number, last: number): string | undefined {
  const paragraph: string[] = [];
  let inFence = false;
  for (let line = headingLine + 1; line <= Math.min(last, lines.length); line++) {
    const text = lines[line - 1] ?? '';
    // A title's underline may be tildes, which begin no fence; a line that is underlined or overlined is a title.
    const isUnderline = ADORNMENT.test(text) && !isBlank(lines[line - 2] ?? '') && !inFence;
    if (!inFence && !isBlank(text) && ADORNMENT.test(lines[line - 2] ?? '') && ADORNMENT.test(lines[line] ?? '')) continue;
    if (/^\s*(```|~~~)/.test(text) && !isUnderline) inFence = !inFence;
    const skipped = inFence || /^\s*(```|~~~|\.\.\s|:\w[\w-]*:|<!--|!\[|\[!\[|[=\-~^"*+#'`:.]{3,}\s*$|<[a-z/])/i.test(text);
    if (isBlank(text) || skipped) {
      if (paragraph.length > 0) break;
      continue;
    }
    if (/^#{1,6}\s/.test(text)) break;
    paragraph.push(text.trim().replace(/^([-*+]|\d+[.)])\s+/, '').replace(/^>\s*/, ''));
  }
  return paragraph.length > 0 ? firstSentence(paragraph.join('\n'), 220) : undefined;
}

// ── The whole ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Facts only: size, what it defines most of, what the file says of itself, what it imports. */
function overviewOf(document: Document, segmented: SegmentedDocument, lines: readonly string[], parts: readonly SummaryPart[]): string {
  const name = document.path.split('/').pop() ?? document.path;
  if (document.text.trim() === '') return `${name} is empty.`;
  const size = `${name} has ${counted(lines.length, 'line')}`;
  const said = fileComment(document, segmented, lines);
  const sentences: string[] = [];
  if (segmented.method === 'headings') {
    const sections = parts.filter((part) => part.kind === 'heading');
    const top = sections.length === 1 && sections[0] && sections[0].children.length > 1 ? sections[0].children : sections;
    sentences.push(`${size} of ${languageName(document.language)}${countParts(parts) > 0 ? ` in ${counted(countParts(parts), 'section')}` : ''}${top.length > 0 ? `: ${enumerate(titles(top, 8))}` : ''}.`);
  } else {
    const kinds = kindCounts(segmented.symbols);
    sentences.push(kinds.length > 0 ? `${size} of ${languageName(document.language)}; it defines ${enumerate(kinds)}.` : `${size} of ${languageName(document.language)}.`);
    const main = mainParts(parts);
    if (main.length > 0) sentences.push(`Its largest parts are ${enumerate(main.map((part) => `${part.title} (lines ${part.startLine}–${part.endLine})`))}.`);
    const imports = [...new Set(segmented.imports)];
    if (imports.length > 0) sentences.push(`It imports ${enumerate(imports.length > 6 ? [...imports.slice(0, 6), `${imports.length - 6} more`] : imports)}.`);
  }
  if (said) sentences.unshift(/[.!?:]$/.test(said) ? said : `${said}.`);
  return sentences.join(' ');
}

function linesTitle(startLine: number, endLine: number): string {
  return endLine > startLine ? `Lines ${startLine}–${endLine}` : `Line ${startLine}`;
}

/** Identifiers of languages that are not written as their names, as people write them. */
const LANGUAGE_NAMES: Readonly<Record<string, string>> = {
  cpp: 'C++', csharp: 'C#', css: 'CSS', html: 'HTML', javascript: 'JavaScript', javascriptreact: 'JavaScript', json: 'JSON', jsonc: 'JSON', latex: 'LaTeX', php: 'PHP',
  plaintext: 'plain text', restructuredtext: 'reStructuredText', scss: 'SCSS', shellscript: 'shell script', sql: 'SQL', toml: 'TOML', typescript: 'TypeScript', typescriptreact: 'TypeScript', xml: 'XML', yaml: 'YAML',
};

function languageName(language: string): string {
  return LANGUAGE_NAMES[language] ?? language.charAt(0).toUpperCase() + language.slice(1);
}

/** The comment at the top of the file, or the first paragraph of a prose document; licences say nothing of the file. */
function fileComment(document: Document, segmented: SegmentedDocument, lines: readonly string[]): string | undefined {
  const heading = segmented.symbols.find((symbol) => symbol.kind === 'heading');
  if (segmented.method === 'headings') {
    const preamble = heading ? firstProse(lines, frontMatterEnd(lines), heading.startLine - 1) : undefined;
    return preamble ?? firstProse(lines, heading ? heading.startLine : frontMatterEnd(lines), lines.length);
  }
  const first = segmented.symbols.reduce((least, symbol) => Math.min(least, symbol.docLine ?? symbol.startLine, symbol.startLine), lines.length + 1);
  const blocks: string[][] = [[]];
  for (const raw of lines.slice(0, Math.min(first - 1, 80))) {
    const comment = /^\s*(?:\/\/+!?|#(?!include|!|define|pragma|if|end)+|\/\*+!?|\*+(?!\/)|--|"""|''')\s?(.*?)(?:\*\/|"""|''')?\s*$/.exec(raw);
    const inDocstring = document.language === 'python' && /^\s*("""|''')/.test(lines[0] ?? '');
    if (comment && comment[1] !== undefined) blocks[blocks.length - 1]?.push(comment[1]);
    else if (inDocstring && !/^\s*(import|from)\b/.test(raw)) blocks[blocks.length - 1]?.push(raw.replace(/("""|''')/, ''));
    else if (isBlank(raw)) blocks.push([]);
    else break;
  }
  const telling = blocks.map((block) => block.join('\n').trim()).find((text) => text.length > 0 && !/licen[sc]e|copyright|©|SPDX|eslint-|-\*-|pylint|noqa|@ts-|prettier-/i.test(text));
  return telling ? firstSentence(telling, 280) : undefined;
}

/** Last line of YAML front matter, 0 without any. */
function frontMatterEnd(lines: readonly string[]): number {
  if (lines[0]?.trim() !== '---') return 0;
  return lines.findIndex((line, index) => index > 0 && line.trim() === '---') + 1;
}

function kindCounts(symbols: readonly DocumentSymbol[]): string[] {
  const plural: Partial<Record<DocumentSymbol['kind'], string>> = { class: 'classes', key: 'keys' };
  const counts = new Map<DocumentSymbol['kind'], number>();
  for (const { kind } of symbols) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const order: DocumentSymbol['kind'][] = ['class', 'interface', 'struct', 'trait', 'enum', 'type', 'function', 'method', 'macro', 'constant', 'variable', 'rule', 'key'];
  return order.flatMap((kind) => {
    const count = counts.get(kind);
    return count ? [counted(count, kind, plural[kind] ?? `${kind}s`)] : [];
  });
}

function mainParts(parts: readonly SummaryPart[]): SummaryPart[] {
  const named = parts.filter((part) => !['lines', 'imports', 'comment', 'text'].includes(part.kind) && part.endLine - part.startLine >= 20);
  if (named.length < 2) return named;
  return [...named].sort((a, b) => b.endLine - b.startLine - (a.endLine - a.startLine)).slice(0, 3).sort((a, b) => a.startLine - b.startLine);
}

function titles(parts: readonly SummaryPart[], most: number): string[] {
  const names = parts.slice(0, most).map((part) => part.title);
  return parts.length > most ? [...names, `${parts.length - most} more`] : names;
}

function countParts(parts: readonly SummaryPart[]): number {
  return parts.reduce((sum, part) => sum + (part.kind === 'heading' ? 1 : 0) + countParts(part.children), 0);
}
