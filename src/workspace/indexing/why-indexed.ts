import * as l10n from '@vscode/l10n';
import type { WhyFile } from '../../protocol';
import type { DocumentCache } from '../document-cache';
import type { Extractions } from '../sources/extractions';
import type { WorkspaceFolders } from '../sources/folders';
import { troubleWith } from '../sources/read';
import { type RulesOnce, whyFile } from '../sources/why';
import type { Catalogue } from '../store/catalogue';
import type { IndexSettings } from './context';
import { withNotes } from './notes';

export interface WhyContext {
  folders: WorkspaceFolders;
  settings: IndexSettings;
  catalogue: Catalogue;
  documentCache: DocumentCache;
  extractions: Extractions;
  /** A pass has found every file. */
  isReady: boolean;
  rules: RulesOnce;
}

/** Tells whether a file is indexed, by the rules and by what is in the index. */
export async function whyIndexed(file: string, context: WhyContext): Promise<WhyFile> {
  const { folders, settings, catalogue, documentCache, extractions, isReady, rules } = context;
  const why = whyFile(file, folders, settings, rules);
  const entry = catalogue.entries.get(why.path);
  if (!why.indexed) return why;
  if (entry) return withNotes(why, entry, catalogue.segmented(entry.hash, entry.language));
  if (documentCache.typed(why.path)) return why;
  const trouble = await troubleWith(file, why.path, settings.maxFileBytes, extractions, folders.encodingOf(file));
  if (trouble !== undefined) return { ...why, indexed: false, reason: `It ${trouble}.` };
  if (isReady) return why;
  return { ...why, indexed: false, reason: `${why.reason} ${l10n.t('It has not been read yet.')}` };
}
