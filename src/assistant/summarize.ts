/**
 * Summarizes a file of any length: an outline with one line per part, and an overview paragraph. Every line comes from
 * the file.
 */
import { splitLines, throwIfCancelled } from '../base';
import type { Summary } from '../protocol';
import type { LongFiles } from '../workspace';
import type { AssistantLibrary } from './library';
import { readOrThrow } from './read-document';
import { factsOf, overviewOf } from './summary/file-overview';
import { summarizeLong } from './summary/long-summary';
import { Outline } from './summary/outline';

export interface SummarizeTools {
  library: Pick<AssistantLibrary, 'read' | 'segmentsOf'> & { long?: LongFiles };
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function summarize(file: string, { library, progress, signal }: SummarizeTools): Promise<Summary> {
  progress?.(0, 'Reading');
  if (library.long?.isLong(file)) return summarizeLong(file, { library, long: library.long, progress, signal });
  const document = await readOrThrow(library, file);
  throwIfCancelled(signal);
  progress?.(0.05, 'Outlining');
  const segmented = await library.segmentsOf(document);
  throwIfCancelled(signal);
  const lines = splitLines(document.text);
  const parts = new Outline(document, segmented, lines).parts();
  progress?.(1, 'Done');
  return {
    file: document.file,
    path: document.path,
    language: document.language,
    lines: lines.length,
    overview: overviewOf(factsOf(document, segmented, lines), parts),
    parts,
    author: { kind: 'extractive' },
    notices: [],
  };
}
