/**
 * A summary of a file of any length: its outline with one line for each part, and a paragraph over the whole. Where a
 * model is at hand it reads the whole file, run by run, each compressed to memories before the next, and says in its
 * own marked words what comments leave unsaid.
 */
import { ReadError, type Document, type DocumentSymbol, type SegmentedDocument } from '../workspace';
import type { Author, ErrorCode, Summary, SummaryPart } from '../protocol';
import { AppError, counted, isBlank, splitLines, textOfLines, throwIfCancelled } from '../base';
import { enumerate, firstSentence } from './facts';
import { presentable, type Gister, type GistSource } from './write/gist';
import type { AssistantLibrary } from './library';
import { firstProse, Outline } from './outline';

const EXTRACTIVE: Author = { kind: 'extractive' };

/** A document as memories: all of it. */
export interface DocumentMemory {
  /** Tokens read, and the rows that stand for them. */
  tokens: number;
  rows: Uint8Array;
  rowCount: number;
  segments: number;
  /** Segments whose memories were in the store already. */
  fromStore: number;
}

/** Reads documents of any length; the worker implements it over the engine's process and the store. */
export interface DocumentReader extends Gister {
  read(
    document: Document,
    segmented: SegmentedDocument,
    options: { progress?: (share: number) => void; signal?: AbortSignal | undefined },
  ): Promise<DocumentMemory>;
}

export interface SummarizeTools {
  library: Pick<AssistantLibrary, 'read' | 'segmentsOf'>;
  reader?: DocumentReader | undefined;
  /** Why there is no reader though there is a model ("It is being loaded."). */
  whyQuoted?: string | undefined;
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** Parts with fewer lines say what they do themselves. */
const LEAST_LINES = 4;
/** The model describes parts so long (ms) at most; a summary that takes longer is not waited for. */
const DESCRIBING_MS = 10_000;
const PARTS_AT_ONCE = 4;

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function summarize(file: string, tools: SummarizeTools): Promise<Summary> {
  const { library, progress, signal } = tools;
  progress?.(0, 'Reading');
  const document = await readOrThrow(library, file);
  throwIfCancelled(signal);
  progress?.(0.05, 'Outlining');
  const segmented = await library.segmentsOf(document);
  throwIfCancelled(signal);
  const lines = splitLines(document.text);
  const outline = new Outline(document, segmented, lines);
  const parts = outline.parts();
  const quoted: Summary = {
    file: document.file,
    path: document.path,
    language: document.language,
    lines: lines.length,
    overview: overviewOf(document, segmented, lines, parts),
    parts,
    author: EXTRACTIVE,
    notices: [
      `${tools.whyQuoted ?? 'No model is installed'}: the lines come from the file’s own comments, headings and declarations.`,
    ],
  };
  const summary =
    tools.reader && document.text.trim() !== ''
      ? await inOwnWords(quoted, outline, { document, segmented, lines }, tools.reader, tools)
      : quoted;
  throwIfCancelled(signal);
  progress?.(1, 'Done');
  return summary;
}

interface Content {
  document: Document;
  segmented: SegmentedDocument;
  lines: readonly string[];
}

/** The quoted summary with what the model adds. When it fails the quoted one stands, and says so. */
async function inOwnWords(
  quoted: Summary,
  { undocumented }: Outline,
  content: Content,
  reader: DocumentReader,
  { progress, signal }: SummarizeTools,
): Promise<Summary> {
  const { document, segmented } = content;
  const model = reader.author.kind === 'extractive' ? 'the model' : reader.author.model;
  try {
    const memory = await reader.read(document, segmented, {
      signal,
      progress: (share) => progress?.(0.1 + 0.5 * share, `Reading, ${Math.round(100 * share)}% compressed to memories`),
    });
    const [whole] = await reader.gists([{ rows: memory.rows, tokens: memory.tokens }], signal);
    const gist = whole && presentable(whole, document.text);
    const wanted = undocumented.filter(({ startLine, endLine }) => endLine - startLine + 1 >= LEAST_LINES);
    const described = await describe(
      wanted,
      content.lines,
      reader,
      (share) => progress?.(0.6 + 0.4 * share, 'Describing parts'),
      signal,
    );
    const own = (parts: readonly SummaryPart[]): SummaryPart[] =>
      parts.map((part) => ({
        ...part,
        children: own(part.children),
        ...(described.lines.has(part) ? { line: described.lines.get(part) as string, author: reader.author } : {}),
      }));
    const notices = [
      `${model} has read all ${counted(memory.tokens, 'token')} of the file, as ${counted(memory.rowCount, 'memory row')}; ${memory.fromStore.toLocaleString('en-US')} of ${counted(memory.segments, 'segment')} were remembered already.`,
      ...coverageOf(wanted.length, described.lines.size, described.seen, model),
    ];
    return {
      ...quoted,
      overview: gist === undefined ? quoted.overview : `${quoted.overview} Generated by ${model}: ${gist}`,
      parts: own(quoted.parts),
      notices,
    };
  } catch (error) {
    throwIfCancelled(signal);
    return {
      ...quoted,
      notices: [
        `The lines come from the file’s own comments, headings and declarations: ${model} could not read it (${error instanceof Error ? error.message : String(error)}).`,
      ],
    };
  }
}

/** A line for each part, while there is time; `seen` counts the parts that the model was asked about. */
async function describe(
  parts: readonly SummaryPart[],
  lines: readonly string[],
  reader: DocumentReader,
  progress: (share: number) => void,
  signal?: AbortSignal,
): Promise<{ lines: Map<SummaryPart, string>; seen: number }> {
  const made = new Map<SummaryPart, string>();
  const started = performance.now();
  let seen = 0;
  while (seen < parts.length && performance.now() - started < DESCRIBING_MS) {
    throwIfCancelled(signal);
    const some = parts.slice(seen, seen + PARTS_AT_ONCE);
    const texts = some.map(({ startLine, endLine }) => textOfLines(lines, startLine, endLine));
    const gists = await reader.gists(
      texts.map((text): GistSource => ({ text })),
      signal,
    );
    some.forEach((part, i) => {
      const gist = gists[i];
      const line = gist && presentable(gist, texts[i] as string);
      if (line !== undefined) made.set(part, line);
    });
    seen += some.length;
    progress(seen / parts.length);
  }
  return { lines: made, seen };
}

function coverageOf(wanted: number, described: number, seen: number, model: string): string[] {
  if (wanted === 0) return [];
  const unsure = seen - described;
  const left = wanted - seen;
  return [
    [
      `Of ${counted(wanted, 'part')} without a comment it describes ${described === 0 ? 'none' : `${described.toLocaleString('en-US')}, marked as generated by ${model}`}`,
      ...(unsure > 0 ? [`of ${unsure.toLocaleString('en-US')} it was not sure enough`] : []),
      ...(left > 0 ? [`${left.toLocaleString('en-US')} keep their declarations because time was up`] : []),
    ].join('; ') + '.',
  ];
}

/** Reads a file; a failure says what the user can do. @throws AppError('fileNotFound' | 'fileUnreadable') */
export async function readOrThrow(library: Pick<AssistantLibrary, 'read'>, file: string): Promise<Document> {
  try {
    return await library.read(file);
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    const known = UNREADABLE[error.code];
    throw new AppError(known.code, error.message, known.hint, { cause: error });
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

/** Facts only: size, what it defines most of, what the file says of itself, what it imports. */
function overviewOf(
  document: Document,
  segmented: SegmentedDocument,
  lines: readonly string[],
  parts: readonly SummaryPart[],
): string {
  const name = document.path.split('/').pop() ?? document.path;
  if (document.text.trim() === '') return `${name} is empty.`;
  const size = `${name} has ${counted(lines.length, 'line')}`;
  const said = fileComment(document, segmented, lines);
  const sentences: string[] = [];
  if (segmented.method === 'headings') {
    const sections = parts.filter((part) => part.kind === 'heading');
    const top =
      sections.length === 1 && sections[0] && sections[0].children.length > 1 ? sections[0].children : sections;
    sentences.push(
      `${size} of ${languageName(document.language)}${countParts(parts) > 0 ? ` in ${counted(countParts(parts), 'section')}` : ''}${top.length > 0 ? `: ${enumerate(titles(top, 8))}` : ''}.`,
    );
  } else {
    const kinds = kindCounts(segmented.symbols);
    sentences.push(
      kinds.length > 0
        ? `${size} of ${languageName(document.language)}; it defines ${enumerate(kinds)}.`
        : `${size} of ${languageName(document.language)}.`,
    );
    const main = mainParts(parts);
    if (main.length > 0)
      sentences.push(
        `${main.length === 1 ? 'Its largest part is' : 'Its largest parts are'} ${enumerate(main.map((part) => `${part.title} (lines ${part.startLine}–${part.endLine})`))}.`,
      );
    const imports = [...new Set(segmented.imports)];
    if (imports.length > 0)
      sentences.push(
        `It imports ${enumerate(imports.length > 6 ? [...imports.slice(0, 6), `${imports.length - 6} more`] : imports)}.`,
      );
  }
  if (said) sentences.unshift(/[.!?:]$/.test(said) ? said : `${said}.`);
  return sentences.join(' ');
}

/** Identifiers of languages that are not written as their names, as people write them. */
const LANGUAGE_NAMES: Readonly<Record<string, string>> = {
  cpp: 'C++',
  csharp: 'C#',
  css: 'CSS',
  html: 'HTML',
  javascript: 'JavaScript',
  javascriptreact: 'JavaScript',
  json: 'JSON',
  jsonc: 'JSON',
  latex: 'LaTeX',
  php: 'PHP',
  plaintext: 'plain text',
  restructuredtext: 'reStructuredText',
  scss: 'SCSS',
  shellscript: 'shell script',
  sql: 'SQL',
  toml: 'TOML',
  typescript: 'TypeScript',
  typescriptreact: 'TypeScript',
  xml: 'XML',
  yaml: 'YAML',
};

function languageName(language: string): string {
  return LANGUAGE_NAMES[language] ?? language.charAt(0).toUpperCase() + language.slice(1);
}

/** What is said to a tool and not to a reader. */
const MAGIC_COMMENT =
  /^\s*(frozen_string_literal|encoding|coding|warn_indent|typed|rubocop|c8 ignore|istanbul|v8 ignore|jshint|jslint|globals?|vim?|clang-format|go:|\+build|nolint|@flow|flow)\b/i;

/** The comment at the top of the file, or the first paragraph of a prose document; licences say nothing of the file. */
function fileComment(document: Document, segmented: SegmentedDocument, lines: readonly string[]): string | undefined {
  const heading = segmented.symbols.find((symbol) => symbol.kind === 'heading');
  if (segmented.method === 'headings') {
    const preamble = heading ? firstProse(lines, frontMatterEnd(lines), heading.startLine - 1) : undefined;
    return preamble ?? firstProse(lines, heading ? heading.startLine : frontMatterEnd(lines), lines.length);
  }
  const first = segmented.symbols.reduce(
    (least, symbol) => Math.min(least, symbol.docLine ?? symbol.startLine, symbol.startLine),
    lines.length + 1,
  );
  const blocks: string[][] = [[]];
  for (const raw of lines.slice(0, Math.min(first - 1, 80))) {
    const comment =
      /^\s*(?:\/\/+!?|#(?!include|!|define|pragma|if|end)+|\/\*+!?|\*+(?!\/)|--|"""|''')\s?(.*?)(?:\*\/|"""|''')?\s*$/.exec(
        raw,
      );
    const inDocstring = document.language === 'python' && /^\s*("""|''')/.test(lines[0] ?? '');
    if (comment && comment[1] !== undefined && MAGIC_COMMENT.test(comment[1])) blocks.push([]);
    else if (comment && comment[1] !== undefined) blocks[blocks.length - 1]?.push(comment[1]);
    else if (inDocstring && !/^\s*(import|from)\b/.test(raw))
      blocks[blocks.length - 1]?.push(raw.replace(/("""|''')/, ''));
    else if (isBlank(raw)) blocks.push([]);
    else break;
  }
  const telling = blocks
    .map((block) => block.join('\n').trim())
    .find(
      (text) => text.length > 0 && !/licen[sc]e|copyright|©|SPDX|eslint-|-\*-|pylint|noqa|@ts-|prettier-/i.test(text),
    );
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
  const order: DocumentSymbol['kind'][] = [
    'class',
    'interface',
    'struct',
    'trait',
    'enum',
    'type',
    'function',
    'method',
    'macro',
    'constant',
    'variable',
    'rule',
    'key',
  ];
  return order.flatMap((kind) => {
    const count = counts.get(kind);
    return count ? [counted(count, kind, plural[kind] ?? `${kind}s`)] : [];
  });
}

function mainParts(parts: readonly SummaryPart[]): SummaryPart[] {
  const named = parts.filter(
    (part) => !['lines', 'imports', 'comment', 'text'].includes(part.kind) && part.endLine - part.startLine >= 20,
  );
  // A class or namespace that is nearly the whole file says nothing: its own parts do.
  const [only] = named;
  if (named.length === 1 && only && only.kind !== 'function' && only.kind !== 'method') {
    const inner = mainParts(only.children);
    if (inner.length > 0) return inner;
  }
  if (named.length < 2) return named;
  return [...named]
    .sort((a, b) => b.endLine - b.startLine - (a.endLine - a.startLine))
    .slice(0, 3)
    .sort((a, b) => a.startLine - b.startLine);
}

function titles(parts: readonly SummaryPart[], most: number): string[] {
  const names = parts.slice(0, most).map((part) => part.title);
  return parts.length > most ? [...names, `${parts.length - most} more`] : names;
}

function countParts(parts: readonly SummaryPart[]): number {
  return parts.reduce((sum, part) => sum + (part.kind === 'heading' ? 1 : 0) + countParts(part.children), 0);
}
