/**
 * The outline of a file: its nested parts, with one line for each. Code is outlined by definitions, prose by headings,
 * and other text by segments, so that every line is covered.
 */
import * as l10n from '@vscode/l10n';
import { formatNumber, isBlank } from '../../base';
import type { Author, SummaryPart } from '../../protocol';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import { clip } from '../citations';
import { enumerate, firstSentence, plainDoc } from '../facts';
import { type ImportStatement, importStatements } from '../import-lines';
import { lineCount, linesTitle, more } from '../phrases';
import { firstProse } from './first-prose';
import { plainSentence } from './sentences';

const EXTRACTIVE: Author = { kind: 'extractive' };

/** Minimum non-blank lines of a part between definitions. Shorter runs get no part of their own. */
const LOOSE_LINES = 3;

export class Outline {
  private readonly isProse: boolean;
  private readonly symbols: readonly DocumentSymbol[];
  private readonly imports: readonly ImportStatement[];

  constructor(
    document: Document,
    private readonly segmented: SegmentedDocument,
    private readonly lines: readonly string[],
  ) {
    this.isProse = segmented.method === 'headings';
    this.imports = this.isProse ? [] : importStatements(lines);
    const isData = segmented.segments.length > 0 && segmented.segments.every((segment) => segment.kind === 'data');
    this.symbols = [...segmented.symbols]
      .filter((symbol) =>
        this.isProse ? symbol.kind === 'heading' : isData || symbol.kind !== 'key' || document.language === 'yaml',
      )
      .sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
  }

  parts(): SummaryPart[] {
    const roots = this.nest();
    if (roots.length === 0) return this.segmentParts(1, this.lines.length);
    return this.withLooseLines(roots, 1, this.lines.length);
  }

  /** Arranges symbols as a tree by their line ranges. Fields on the line of their owner stay leaves. */
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

  /** The parts of a range: its nodes, and longer runs of lines between them. */
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
    // Types and sections list their members. Functions list their inner functions only if they are long.
    const shows = symbol.kind !== 'function' && symbol.kind !== 'method';
    const children = shows || node.end - node.start > 150 ? node.children.map((child) => this.partOf(child)) : [];
    return {
      title: symbol.name,
      kind: symbol.kind,
      startLine: node.start,
      endLine: node.end,
      line: this.describe(node),
      author: EXTRACTIVE,
      children,
    };
  }

  /** One line: the first sentence of the comment or section, else the declaration, else the contents. */
  private describe({ symbol, start, end, children }: Node): string {
    if (symbol.kind === 'heading')
      return (
        plain(firstProse(this.lines, symbol.startLine, children[0] ? children[0].start - 1 : end)) ??
        sectionsLine(children) ??
        this.firstInk(symbol.startLine, end) ??
        l10n.t('An empty section.')
      );
    const doc = symbol.doc ? firstSentence(symbol.doc, 200) : undefined;
    if (doc) return doc;
    const members = children.filter((child) => child.symbol.kind !== 'field');
    const size = lineCount(end - start + 1);
    const holds =
      members.length > 0 && symbol.kind !== 'function' && symbol.kind !== 'method'
        ? `; ${enumerate(namesOf(members, 6))}`
        : '';
    return clip(`${symbol.signature}${holds}${end > start ? ` (${size})` : ''}`, 220);
  }

  /** The first line with a word below a heading, for sections that contain only code or directives. */
  private firstInk(headingLine: number, last: number): string | undefined {
    const telling = this.lines
      .slice(headingLine, last)
      .find((line) => /[\p{L}\p{N}]/u.test(line) && !/^\s*(```|~~~)/.test(line));
    return telling === undefined ? undefined : clip(telling.trim(), 200);
  }

  /**
   * Parts of a range without definitions: its imports, and its other segments. Each is described by its first line with
   * a word.
   */
  private segmentParts(first: number, last: number): SummaryPart[] {
    const parts: SummaryPart[] = [];
    let imported = false;
    for (const segment of this.segmented.segments) {
      const startLine = Math.max(segment.startLine, first);
      const endLine = Math.min(segment.endLine, last);
      if (startLine > endLine) continue;
      const before = parts[parts.length - 1];
      // Imports across two segments are one part.
      if (this.isImports(startLine, endLine)) {
        if (imported && before) parts[parts.length - 1] = this.importsPart(before.startLine, endLine);
        else parts.push(this.importsPart(startLine, endLine));
        imported = true;
        continue;
      }
      imported = false;
      const inside = this.lines.slice(startLine - 1, endLine);
      const telling = inside.find((line) => /[\p{L}\p{N}]/u.test(line) && !line.startsWith('#!'));
      if (!telling && inside.some((line) => !isBlank(line)))
        parts.push(
          this.plain(
            linesTitle(startLine, endLine),
            'lines',
            startLine,
            endLine,
            clip(inside.map((line) => line.trim()).join(' '), 80),
          ),
        );
      if (!telling) continue;
      parts.push(this.loosePart(startLine, endLine, inside, telling));
    }
    return parts;
  }

  /** True if at least half of the lines, without comments, are imports. */
  private isImports(startLine: number, endLine: number): boolean {
    const ink = this.lines.slice(startLine - 1, endLine).filter((line) => !isBlank(line));
    const importing = this.importsIn(startLine, endLine).reduce(
      (sum, statement) => sum + Math.min(statement.endLine, endLine) - Math.max(statement.startLine, startLine) + 1,
      0,
    );
    return importing > 0 && importing >= (ink.length - ink.filter(isComment).length) / 2;
  }

  private importsIn(startLine: number, endLine: number): ImportStatement[] {
    return this.imports.filter((statement) => statement.startLine <= endLine && statement.endLine >= startLine);
  }

  private importsPart(startLine: number, endLine: number): SummaryPart {
    const statements = this.importsIn(startLine, endLine);
    const count = statements.reduce((sum, statement) => sum + statement.count, 0);
    const counted = count === 1 ? l10n.t('1 import') : l10n.t('{0} imports', formatNumber(count));
    return this.plain(
      l10n.t('Imports'),
      'imports',
      startLine,
      endLine,
      `${counted}: ${clip(statements[0]?.text ?? '', 120)}${count > 1 ? ' …' : ''}`,
    );
  }

  private loosePart(startLine: number, endLine: number, inside: readonly string[], telling: string): SummaryPart {
    const ink = inside.filter((line) => !isBlank(line));
    const text = clip(plainDoc(telling.trim().replace(/^(\/\/+!?|#+|\/\*+|\*+|--|;+|<!--)\s*/, '')), 200);
    if (ink.filter(isComment).length >= ink.length * 0.8)
      return this.plain(l10n.t('Comment'), 'comment', startLine, endLine, text);
    const title = this.isProse ? l10n.t('Text') : linesTitle(startLine, endLine);
    return this.plain(title, this.isProse ? 'text' : 'lines', startLine, endLine, text);
  }

  private plain(title: string, kind: string, startLine: number, endLine: number, line: string): SummaryPart {
    return { title, kind, startLine, endLine, line, author: EXTRACTIVE, children: [] };
  }
}

interface Node {
  symbol: DocumentSymbol;
  /** First line, including the doc comment. */
  start: number;
  end: number;
  children: Node[];
}

/** Headings nest by their container, because a heading's range does not always include its subsections. */
function holds(outer: Node, inner: Node, byContainer: boolean): boolean {
  if (!byContainer) return outer.symbol.startLine <= inner.start && inner.end <= outer.end;
  const { container } = inner.symbol;
  return (
    container.length > outer.symbol.container.length && container[outer.symbol.container.length] === outer.symbol.name
  );
}

function namesOf(nodes: readonly Node[], most: number): string[] {
  const names = nodes.slice(0, most).map((node) => node.symbol.name);
  return nodes.length > most ? [...names, more(nodes.length - most)] : names;
}

function sectionsLine(children: readonly Node[]): string | undefined {
  return children.length > 0 ? l10n.t('Sections: {0}.', enumerate(namesOf(children, 8))) : undefined;
}

const plain = (said: string | undefined): string | undefined =>
  said === undefined ? undefined : plainSentence(said) || undefined;

const isComment = (line: string): boolean => /^\s*(\/\/|#|\/?\*|--|;|<!--)/.test(line);
