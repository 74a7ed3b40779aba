import type { Citation } from '../../protocol';
import { post } from '../shared/host';
import { t } from '../shared/strings';

export function openCitation(citation: Citation): void {
  const { file, path, startLine, endLine } = citation;
  post({ type: 'open', span: { file, path, startLine, endLine }, citation });
}

/** Tooltip and screen reader label: "src/a.ts, lines 1 to 3". */
export function citationLabel({ path, startLine, endLine }: Citation): string {
  const lines = startLine === endLine ? t('line {0}', startLine) : t('lines {0} to {1}', startLine, endLine);
  return `${path}, ${lines}`;
}
