import type { Citation, Place } from '../../protocol';
import { post } from '../shared/host';
import * as l10n from '@vscode/l10n';

export function openCitation(citation: Citation): void {
  const { file, path, startLine, endLine } = citation;
  post({ type: 'open', span: { file, path, startLine, endLine }, citation });
}

const PLACES: Readonly<Record<Place['kind'], (number: number) => string>> = {
  page: (number) => l10n.t('page {0}', number),
  section: (number) => l10n.t('section {0}', number),
  cell: (number) => l10n.t('cell {0}', number),
};

/** Tooltip and screen reader label: "src/a.ts, lines 1 to 3". */
export function citationLabel({ path, startLine, endLine, place, commit }: Citation): string {
  if (commit !== undefined) return path;
  if (place) return `${path}, ${PLACES[place.kind](place.number)}`;
  const lines = startLine === endLine ? l10n.t('line {0}', startLine) : l10n.t('lines {0} to {1}', startLine, endLine);
  return `${path}, ${lines}`;
}
