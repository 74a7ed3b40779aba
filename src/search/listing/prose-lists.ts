/** Lists, tables and sub-sections of documents that enumerate the asked things. */
import { indentOf, isBlank } from '../../base';
import type { RankedSpan } from '../../protocol';
import { type ReadDocument, type TextUnit, unitsOf, withoutRoles } from '../../workspace';
import type { ListGroup, ListItem } from './group';

const MOST_CHARACTERS = 160;
const LEAST_ITEMS = 2;
const MARK = /^\s*(?:[-*+•·]|\d{1,3}[.)]|\([a-z\d]\))\s+/;

/** A directive that stands for the description of a name, with its options. */
const DESCRIBED = /^\.\. auto\w+:: (\S+).*$/;

/** The list or table in a passage. */
export function listIn(span: RankedSpan): ListGroup | undefined {
  const listed = listedIn(span.text);
  if (listed.length < LEAST_ITEMS) return undefined;
  const first = listed[0] as TextUnit;
  const about = [...span.breadcrumb, span.text.slice(0, first.start)].join(' ');
  return { about, prior: 0.9, items: listed.map((unit) => itemOf(span, unit)) };
}

/** The items of the outermost list, or else the rows of a table without its head. */
function listedIn(text: string): TextUnit[] {
  const units = unitsOf(text);
  // Further sentences of an item are no items.
  const items = units.flatMap((unit, i) => {
    if (unit.kind !== 'item' || !MARK.test(text.slice(unit.start))) return [];
    const next = units[i + 1];
    const isNamed = /[:：]$/.test(text.slice(unit.start, unit.end)) && next?.kind === 'item';
    // A term is told with its definition.
    return [isNamed && !MARK.test(text.slice(next.start)) ? { ...unit, end: next.end } : unit];
  });
  const indent = ({ start }: TextUnit): number =>
    indentOf(text.slice(text.lastIndexOf('\n', start - 1) + 1, start + 40));
  const outermost = Math.min(...items.map(indent));
  const outer = items.filter((unit) => indent(unit) === outermost);
  return outer.length >= LEAST_ITEMS ? outer : units.filter(({ kind }) => kind === 'row').slice(2);
}

function itemOf({ file, path, startLine, text }: RankedSpan, { start, end }: TextUnit): ListItem {
  const said = text.slice(start, end);
  const line = startLine + (text.slice(0, start).match(/\n/g)?.length ?? 0);
  const shown = withoutRoles(said)
    .replace(MARK, '')
    .replace(/^\s*\|\s*|\s*\|\s*$/g, '')
    .replace(/\s*\|\s*/g, ' · ')
    .replace(/\s+/g, ' ')
    .replace(DESCRIBED, '`$1`')
    .trim();
  return {
    text: shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}…` : shown,
    isProse: true,
    file,
    path,
    startLine: line,
    endLine: line + (said.trimEnd().match(/\n/g)?.length ?? 0),
  };
}

/** Maximum lines that a passage grows by in each direction. */
const MOST_LINES = 400;
const ROW = /^\s*\|/;

/**
 * A passage with all of the list or table that it begins or ends in: passages are cut at ends of lines, and a list may
 * be longer than one.
 *
 * @param lines of the document
 */
export function withWholeList(span: RankedSpan, lines: readonly string[]): RankedSpan {
  const units = unitsOf(span.text);
  const isListed = (unit: TextUnit | undefined): boolean => unit?.kind === 'item' || unit?.kind === 'row';
  const startLine = isListed(units[0]) ? beginOfList(lines, span) : span.startLine;
  const endLine = isListed(units.at(-1)) ? endOfList(lines, span) : span.endLine;
  if (startLine === span.startLine && endLine === span.endLine) return span;
  return { ...span, startLine, endLine, text: lines.slice(startLine - 1, endLine).join('\n') };
}

const isPart = (line: string): boolean => MARK.test(line) || ROW.test(line) || (indentOf(line) > 0 && !isBlank(line));

function endOfList(lines: readonly string[], { startLine, endLine }: RankedSpan): number {
  let end = endLine;
  for (let line = end; line < Math.min(lines.length, startLine + MOST_LINES); line++) {
    const text = lines[line] as string;
    if (isBlank(text)) continue;
    // Lines below an item belong to it without an indent too.
    const continues = line === end && !isBlank(lines[line - 1] ?? '') && !/^#/.test(text);
    if (!isPart(text) && !continues) break;
    end = line + 1;
  }
  return end;
}

function beginOfList(lines: readonly string[], { startLine, endLine }: RankedSpan): number {
  let start = startLine;
  for (let line = start - 1; line > Math.max(0, endLine - MOST_LINES); line--) {
    const text = lines[line - 1] as string;
    if (isBlank(text)) continue;
    if (!isPart(text)) return /[:：]\s*$/.test(text) ? line : start;
    start = line;
  }
  return start;
}

/** The sections directly below a document, and below the sections around a line of it. */
export function sectionsBelow({ document, segmented }: ReadDocument, line?: number): ListGroup[] {
  const headings = segmented.symbols.filter(({ kind }) => kind === 'heading');
  const groups: ListGroup[] = [];
  const holders = headings.filter(
    ({ startLine, endLine }) => line !== undefined && startLine <= line && line <= endLine,
  );
  for (const holder of [undefined, ...holders]) {
    const depth = holder ? holder.container.length + 1 : 0;
    const below = headings.filter(
      ({ container, startLine }) =>
        container.length === depth && (!holder || (holder.startLine < startLine && startLine <= holder.endLine)),
    );
    if (below.length < LEAST_ITEMS) continue;
    groups.push({
      about: ['sections of', document.path, ...(holder ? [...holder.container, holder.name] : [])].join(' '),
      prior: 0.7,
      items: below.map(({ name, startLine }) => ({
        text: withoutRoles(name),
        isProse: true,
        file: document.file,
        path: document.path,
        startLine,
        endLine: startLine,
      })),
    });
  }
  return groups;
}
