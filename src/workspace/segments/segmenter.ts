import type { Document, DocumentSymbol, Language, Segment, SegmentedDocument } from '../types';
import { type Cell, cellsOf } from '../cell-markers';
import { symbolsOfChunks } from './chunks';
import { codeRanges, cutsOfCells, withoutMagics } from './cells';
import { pack, type Cuts, type LineRange } from './cuts';
import { importsOf } from './imports';
import { cutsByIndentation, cutsByLength } from './indentation';
import { MAX_AVERAGE_LINE, MAX_SEGMENT_CHARACTERS, MAX_SYNTAX_CHARACTERS } from './limits';
import { LineTable } from '../../base';
import { symbolsByPattern } from './patterns';
import { proseWith, readProse, sections } from './prose';
import { copyCuts, cutsOfComponent } from './syntax/components';
import { cutsBySyntax } from './syntax/cuts';
import { entryOf, type GrammarEntry } from '../languages';
import { findGrammars, Grammars, type LoadedGrammar } from './syntax/parser';
import { embeddedScript } from './syntax/scripts';
import { symbolsOf } from './syntax/symbols';
import { yamlHeadings } from './yaml-prose';

export { SEGMENTER_VERSION } from './limits';

/** Cuts documents into segments and finds their definitions. */
export interface Segmenter {
  /**
   * Segments a document. Segments cover every line exactly once, in order; an empty text has none. Never rejects
   * because of the text: a text that cannot be parsed is cut by indentation or length.
   */
  segment(document: Pick<Document, 'path' | 'language' | 'text'>): Promise<SegmentedDocument>;
  /** Grammars that failed to load, with the reason. Their languages are cut by indentation. */
  readonly problems: ReadonlyMap<string, string>;
  close(): void;
}

/**
 * @param options.grammars directory of tree-sitter.wasm and the grammars (`findGrammars`)
 */
export async function createSegmenter(options: { grammars?: string } = {}): Promise<Segmenter> {
  return new TreeSitterSegmenter(new Grammars(options.grammars ?? findGrammars()));
}

/**
 * Names of plain text written by people. Other files without a language (`.sum`, `.snap`, a tool's own formats) are
 * data.
 */
const WRITTEN =
  /(?:^|[/\\])[^./\\]*$|\.(?:txt|text|log|me|1st|news|notes?|todo)$|(?:^|[/\\])(?:readme|licen[cs]e|copying|changelog|changes|history|news|notice|authors|contributing|install|todo)\b[^/\\]*$/i;
/** Language id of formats that are not in the table. */
const UNKNOWN = 'unknown';
/** Result of one way of cutting a document. */
interface Reading {
  cuts: Cuts;
  symbols: DocumentSymbol[];
  method: SegmentedDocument['method'];
  /** Kind of the segment that begins on a 0-based line. Default: the kind of the language. */
  kindAt?: (line: number) => Segment['kind'];
}

class TreeSitterSegmenter implements Segmenter {
  readonly problems = new Map<string, string>();

  constructor(private readonly grammars: Grammars) {}

  async segment({
    path,
    language: known,
    text,
  }: Pick<Document, 'path' | 'language' | 'text'>): Promise<SegmentedDocument> {
    const lines = new LineTable(text);
    const language = known === 'plaintext' && !WRITTEN.test(path) ? UNKNOWN : known;
    if (lines.count === 0) return { segments: [], symbols: [], imports: [], method: 'length' };
    const { cuts, symbols, method, kindAt = () => kindOf(language) } = await this.read(lines, language);
    const imports = method === 'length' ? [] : importsOf(text, language);
    return { segments: toSegments(lines, pack(lines, cuts), symbols, kindAt), symbols, imports, method };
  }

  private async read(lines: LineTable, language: Language): Promise<Reading> {
    const { text } = lines;
    // People write a paragraph on one line, so long lines make no prose minified.
    const { markup, chunks } = entryOf(language);
    if (markup && language !== UNKNOWN) {
      const prose = readProse(lines, markup);
      const code = chunks ? symbolsOfChunks(lines) : [];
      const symbols = [...prose.symbols, ...code].sort((a, b) => a.startLine - b.startLine);
      return { cuts: prose.cuts, symbols, method: 'headings' };
    }
    const titled = language === 'yaml' ? yamlHeadings(lines) : undefined;
    if (titled) return { ...proseWith(lines, titled), method: 'headings', kindAt: () => 'prose' };
    if (isMinified(lines)) return { cuts: cutsByLength(lines), symbols: [], method: 'length' };
    const cells = cellsOf(lines);
    if (cells) return this.readCells(lines, cells, language);
    const layout = cutsByIndentation(lines);
    if (text.length <= MAX_SYNTAX_CHARACTERS) {
      const script = embeddedScript(text, language);
      const { grammar: entry } = entryOf(script?.language ?? language);
      const grammar = entry && (await this.load(entry));
      const reading = grammar && this.readSyntax(lines, grammar, script?.language ?? language, layout, script?.ranges);
      if (reading) return reading;
    }
    return { cuts: layout, symbols: symbolsByPattern(lines, language), method: 'indentation' };
  }

  /** Reads a notebook: prose by headings, code by syntax. The code of all cells is parsed as one program. */
  private async readCells(lines: LineTable, cells: readonly Cell[], language: Language): Promise<Reading> {
    const { cuts, headings } = cutsOfCells(lines, cells);
    const ranges = codeRanges(lines, cells);
    const code = await this.readCode(lines, ranges, language, cuts);
    const symbols = [...sections(headings, lines.count), ...code].sort((a, b) => a.startLine - b.startLine);
    const prose = new Set(cells.filter(({ type }) => type === 'markdown').map(({ marker }) => marker));
    const markers = cells.map(({ marker }) => marker);
    const kindAt = (line: number): Segment['kind'] =>
      prose.has(markers.findLast((marker) => marker <= line) ?? -1) ? 'prose' : 'code';
    return { cuts, symbols, method: 'syntax', kindAt };
  }

  /** Finds the definitions in the ranges, and refines `cuts` within them. */
  private async readCode(
    lines: LineTable,
    ranges: readonly { start: number; end: number }[],
    language: Language,
    cuts: Cuts,
  ): Promise<DocumentSymbol[]> {
    const { grammar: entry } = entryOf(language);
    const grammar =
      entry && ranges.length > 0 && lines.text.length <= MAX_SYNTAX_CHARACTERS ? await this.load(entry) : undefined;
    const tree = grammar && this.grammars.parse(grammar, lines, ranges, withoutMagics(lines.text));
    const inCode = ({ startLine }: DocumentSymbol): boolean => {
      const offset = lines.start(startLine - 1);
      return ranges.some(({ start, end }) => offset >= start && offset < end);
    };
    if (!tree) return symbolsByPattern(lines, language).filter(inCode);
    try {
      copyCuts(lines, cutsBySyntax(lines, tree, cutsByIndentation(lines)), cuts, ranges);
      return symbolsOf(lines, tree, grammar, language).filter(inCode);
    } finally {
      tree.delete();
    }
  }

  private async load(entry: GrammarEntry): Promise<LoadedGrammar | undefined> {
    if (this.problems.has(entry.name)) return undefined;
    try {
      return await this.grammars.load(entry);
    } catch (error) {
      this.problems.set(entry.name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  private readSyntax(
    lines: LineTable,
    grammar: LoadedGrammar,
    language: Language,
    layout: Cuts,
    ranges?: readonly { start: number; end: number }[],
  ): Reading | undefined {
    const tree = this.grammars.parse(grammar, lines, ranges);
    if (!tree) return undefined;
    try {
      const symbols = symbolsOf(lines, tree, grammar, language);
      // Markup surrounds embedded scripts and is not in the tree.
      if (ranges) return { cuts: cutsOfComponent(lines, tree, ranges), symbols, method: 'indentation' };
      return { cuts: cutsBySyntax(lines, tree, layout), symbols, method: 'syntax' };
    } finally {
      tree.delete();
    }
  }

  close(): void {
    this.grammars.close();
  }
}

/** Most lines are long. A picture in a string or a table of numbers on one line makes no program minified. */
function isMinified(lines: LineTable): boolean {
  if (lines.text.length / lines.count <= MAX_AVERAGE_LINE) return false;
  let rest = 0;
  let count = 0;
  for (let line = 0; line < lines.count; line++) {
    const length = lines.start(line + 1) - lines.start(line);
    if (length > MAX_SEGMENT_CHARACTERS && isDataLine(lines.line(line, CODE_SAMPLE))) continue;
    rest += length;
    count++;
  }
  return count < MIN_LINES || rest / count > MAX_AVERAGE_LINE;
}

const CODE_SAMPLE = 20_000;
const MIN_LINES = 3;
/** Data has fewer brackets and semicolons than this share; minified programs have some 10 %. */
const DATA_PUNCTUATION = 0.02;

function isDataLine(text: string): boolean {
  return (text.match(/[(){};]/g)?.length ?? 0) < DATA_PUNCTUATION * text.length;
}

function kindOf(language: Language): Segment['kind'] {
  return language === UNKNOWN ? 'data' : (entryOf(language).kind ?? 'code');
}

function toSegments(
  lines: LineTable,
  ranges: readonly LineRange[],
  symbols: readonly DocumentSymbol[],
  kindAt: (line: number) => Segment['kind'],
): Segment[] {
  const open: DocumentSymbol[] = [];
  let next = 0;
  return ranges.map(({ first, end }) => {
    const startLine = first + 1;
    const begun: number[] = [];
    for (; next < symbols.length; next++) {
      const symbol = symbols[next];
      if (!symbol || symbol.startLine > end) break;
      begun.push(next);
    }
    const beginners = begun.flatMap((i) => symbols[i] ?? []);
    while (open.length > 0 && (open.at(-1)?.endLine ?? 0) < startLine) open.pop();
    const enclosing = open.filter((symbol) => symbol.endLine >= startLine);
    const breadcrumb = breadcrumbOf(enclosing, beginners, symbols[next], startLine, end);
    for (const symbol of beginners) if (symbol.endLine > end) open.push(symbol);
    const start = lines.start(first);
    const stop = lines.start(end);
    const tooLong = stop - start > MAX_SEGMENT_CHARACTERS;
    return {
      startLine,
      endLine: end,
      start,
      end: stop,
      kind: kindAt(first),
      symbols: begun,
      breadcrumb,
      ...(tooLong ? { maxCharacters: MAX_SEGMENT_CHARACTERS } : {}),
    };
  });
}

/**
 * Returns the names of definitions that contain the first line, doc comments included. A definition that begins there
 * counts only if the segment has no other, because a segment of several small definitions is not within its first.
 */
function breadcrumbOf(
  enclosing: readonly DocumentSymbol[],
  begun: readonly DocumentSymbol[],
  next: DocumentSymbol | undefined,
  startLine: number,
  endLine: number,
): string[] {
  const innermost = enclosing.at(-1);
  const names = innermost ? [...innermost.container, innermost.name] : [];
  const first = begun[0] ?? next;
  if (!first || Math.min(first.docLine ?? first.startLine, first.startLine) - startLine > LEAD_LINES) return names;
  if (begun.length === 0 && (first.docLine ?? first.startLine) > endLine) return names;
  const alone =
    first.endLine >= endLine || begun.every((symbol) => symbol === first || symbol.startLine <= first.endLine);
  if (alone) return [...first.container, first.name];
  return names.length >= first.container.length ? names : [...first.container];
}

/** A segment begins with a definition if it starts within this many lines of the segment's first. */
const LEAD_LINES = 3;
