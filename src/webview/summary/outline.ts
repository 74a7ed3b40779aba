import type { SummaryPart } from '../../protocol';

/** A row of the outline: one part. */
export interface Row {
  part: SummaryPart;
  depth: number;
  /** Row index of the parent part, or -1 at the top level. */
  parent: number;
  expandable: boolean;
  /** 1-based position among the siblings, and their number, for the screen reader. */
  position: number;
  siblings: number;
}

/** The visible rows. Children of collapsed parts are left out. */
export function outlineRows(parts: readonly SummaryPart[], collapsed: ReadonlySet<SummaryPart>): Row[] {
  const rows: Row[] = [];
  const visit = (list: readonly SummaryPart[], depth: number, parent: number): void => {
    list.forEach((part, index) => {
      const expandable = part.children.length > 0;
      const row = rows.push({ part, depth, parent, expandable, position: index + 1, siblings: list.length }) - 1;
      if (expandable && !collapsed.has(part)) visit(part.children, depth + 1, row);
    });
  };
  visit(parts, 0, -1);
  return rows;
}

/** Parts that match all words of the filter, with their ancestors. */
export function filterParts(parts: readonly SummaryPart[], filter: string): readonly SummaryPart[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return parts;
  const matches = (part: SummaryPart): boolean => {
    const text = `${part.title} ${part.kind} ${part.line}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const keep = (list: readonly SummaryPart[]): SummaryPart[] =>
    list.flatMap((part) => {
      if (matches(part)) return [part];
      const children = keep(part.children);
      return children.length > 0 ? [{ ...part, children }] : [];
    });
  return keep(parts);
}
