import type { Citation, Place } from '../../protocol';
import { post } from '../shared/host';
import { t } from '../shared/strings';

export function openCitation(citation: Citation): void {
  const { file, path, startLine, endLine } = citation;
  post({ type: 'open', span: { file, path, startLine, endLine }, citation });
}

const PLACES: Readonly<Record<Place['kind'], (number: number) => string>> = {
  page: (number) => t('page {0}', number),
  section: (number) => t('section {0}', number),
  cell: (number) => t('cell {0}', number),
};

/** Tooltip and screen reader label: "src/a.ts, lines 1 to 3". */
export function citationLabel({ path, startLine, endLine, place }: Citation): string {
  if (place) return `${path}, ${PLACES[place.kind](place.number)}`;
  const lines = startLine === endLine ? t('line {0}', startLine) : t('lines {0} to {1}', startLine, endLine);
  return `${path}, ${lines}`;
}
