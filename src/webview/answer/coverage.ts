import { formatCount, formatShare } from '../../base';
import type { Coverage } from '../../protocol';
import * as l10n from '@vscode/l10n';

/** True if indexing had not finished when the question was answered. */
export function isPartial({ indexing, held, filesIndexed, filesKnown }: Coverage): boolean {
  return (indexing || held !== undefined) && filesIndexed < filesKnown;
}

/** "342 files", or "73 of 342 files" if indexing had not finished. */
export function filesText(coverage: Coverage): string {
  const read = formatCount(coverage.filesIndexed);
  if (isPartial(coverage)) return l10n.t('{0} of {1} files', read, formatCount(coverage.filesKnown));
  return coverage.filesIndexed === 1 ? l10n.t('1 file') : l10n.t('{0} files', read);
}

/** The coverage of an answer: "342 files searched · 14% encoded". */
export function coverageText(coverage: Coverage): string {
  const files = filesText(coverage);
  const searched = l10n.t('{0} searched', files);
  return coverage.memories === undefined
    ? searched
    : l10n.t('{0} · {1} encoded', searched, formatShare(coverage.memories));
}
