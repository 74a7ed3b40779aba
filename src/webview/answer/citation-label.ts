/** How a citation's place is told: its lines, or the page, section or cell of an extracted text. */
import * as l10n from '@vscode/l10n';
import { formatLines } from '../../base';
import type { Citation, Place } from '../../protocol';

const PLACES: Readonly<Record<Place['kind'], (number: number) => string>> = {
  page: (number) => l10n.t('page {0}', number),
  section: (number) => l10n.t('section {0}', number),
  cell: (number) => l10n.t('cell {0}', number),
};

/** "a.ts:1–3", or "a.pdf, page 2": the lines of an extracted text are no lines of its file. */
export function sourcePlace(name: string, { startLine, endLine, place, commit }: Citation): string {
  if (commit !== undefined) return name;
  if (place) return `${name}, ${PLACES[place.kind](place.number)}`;
  return `${name}:${formatLines({ startLine, endLine })}`;
}

/** Tooltip and screen reader label: "src/a.ts, lines 1 to 3". */
export function citationLabel({ path, startLine, endLine, place, commit }: Citation): string {
  if (commit !== undefined) return path;
  if (place) return `${path}, ${PLACES[place.kind](place.number)}`;
  const lines = startLine === endLine ? l10n.t('line {0}', startLine) : l10n.t('lines {0} to {1}', startLine, endLine);
  return `${path}, ${lines}`;
}
