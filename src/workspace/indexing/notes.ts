import * as l10n from '@vscode/l10n';
import type { WhyFile } from '../../protocol';
import { MAX_SYMBOLS } from '../segments/limits';
import { encodingNote } from '../sources/why';
import type { CatalogueEntry } from '../store/catalogue';
import type { SegmentedDocument } from '../types';

/** Adds to the answer about an indexed file what answers from it may lack or have wrong, a sentence each. */
export function withNotes(
  why: WhyFile,
  { encoding, replaced }: CatalogueEntry,
  segmented: SegmentedDocument | undefined,
): WhyFile {
  const notes: string[] = [];
  if (encoding) notes.push(encodingNote(encoding));
  else if (replaced) notes.push(l10n.t('It is not UTF-8: some characters were replaced.'));
  if ((segmented?.symbols.length ?? 0) >= MAX_SYMBOLS)
    notes.push(
      l10n.t('Only its first {0} definitions are known. Its text is searched whole.', MAX_SYMBOLS.toLocaleString('en')),
    );
  return notes.length > 0 ? { ...why, reason: [why.reason, ...notes].join(' ') } : why;
}
