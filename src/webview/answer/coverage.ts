import { formatCount, formatShare } from '../../base';
import type { Coverage } from '../../protocol';
import { t } from '../shared/strings';

/** True when indexing had not finished when the answer was given. */
export function isPartial({ indexing, held, filesIndexed, filesKnown }: Coverage): boolean {
  return (indexing || held !== undefined) && filesIndexed < filesKnown;
}

/** "342 files"; "73 of 342 files" where indexing had not finished. */
export function filesText(coverage: Coverage): string {
  const read = formatCount(coverage.filesIndexed);
  if (isPartial(coverage)) return t('{0} of {1} files', read, formatCount(coverage.filesKnown));
  return coverage.filesIndexed === 1 ? t('1 file') : t('{0} files', read);
}

/** "342 files searched · 14% encoded": how much of the workspace an answer draws on. */
export function coverageText(coverage: Coverage): string {
  const files = filesText(coverage);
  const searched = t('{0} searched', files);
  return coverage.memories === undefined ? searched : t('{0} · {1} encoded', searched, formatShare(coverage.memories));
}
