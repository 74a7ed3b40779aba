/** Lists, tables and sub-sections of documents that enumerate the asked things. */
import type { RankedSpan } from '../../protocol';
import { type ReadDocument, type TextUnit, unitsOf } from '../../workspace';
import type { ListGroup, ListItem } from './group';

const MOST_CHARACTERS = 160;
const LEAST_ITEMS = 2;
const MARK = /^\s*(?:[-*+•·]|\d{1,3}[.)]|\([a-z\d]\))\s+/;

/** The list or table in a passage. */
export function listIn(span: RankedSpan): ListGroup | undefined {
  const units = unitsOf(span.text);
  // Further sentences of an item are no items.
  const items = units.filter(({ kind, start }) => kind === 'item' && MARK.test(span.text.slice(start)));
  const listed = items.length >= LEAST_ITEMS ? items : units.filter(({ kind }) => kind === 'row').slice(2);
  if (listed.length < LEAST_ITEMS) return undefined;
  const first = listed[0] as TextUnit;
  const about = [...span.breadcrumb, span.text.slice(0, first.start)].join(' ');
  return { about, prior: 0.9, items: listed.map((unit) => itemOf(span, unit)) };
}

function itemOf({ file, path, startLine, text }: RankedSpan, { start, end }: TextUnit): ListItem {
  const said = text.slice(start, end);
  const line = startLine + (text.slice(0, start).match(/\n/g)?.length ?? 0);
  const shown = said
    .replace(MARK, '')
    .replace(/^\s*\|\s*|\s*\|\s*$/g, '')
    .replace(/\s*\|\s*/g, ' · ')
    .replace(/\s+/g, ' ')
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
        text: name,
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
