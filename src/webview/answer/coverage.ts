import { formatCount, formatShare } from '../../base';
import type { Coverage } from '../../protocol';
import { t } from '../shared/strings';

/** Whether files were left to read when the answer was given. */
export function isPartial({ indexing, held, filesIndexed, filesKnown }: Coverage): boolean {
  return (indexing || held !== undefined) && filesIndexed < filesKnown;
}

/** "342 files"; "73 of 342 files" where not all had been read. */
export function filesText(coverage: Coverage): string {
  const read = formatCount(coverage.filesIndexed);
  if (isPartial(coverage)) return t('{0} of {1} files', read, formatCount(coverage.filesKnown));
  return coverage.filesIndexed === 1 ? t('1 file') : t('{0} files', read);
}

/** The same, with how much a model remembers of them. */
export function coverageText(coverage: Coverage): string {
  const files = filesText(coverage);
  return coverage.memories === undefined
    ? files
    : t('{0}, of whose text the model remembers {1}', files, formatShare(coverage.memories));
}
