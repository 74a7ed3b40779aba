/**
 * Summarizes a file of any length: an outline with one line per part, and an overview paragraph. Every line comes from
 * the file. A chosen model writes what the file is about before the overview.
 */
import * as l10n from '@vscode/l10n';
import { splitLines, throwIfCancelled } from '../base';
import type { Citation, Summary, SummaryPart, Writer } from '../protocol';
import type { Document, LongFiles } from '../workspace';
import { mapMarkers } from './citations';
import type { AssistantLibrary } from './library';
import { linesText } from './phrases';
import { readOrThrow } from './read-document';
import { factsOf, overviewOf } from './summary/file-overview';
import { summarizeLong } from './summary/long-summary';
import { Outline } from './summary/outline';
import { IN_SENTENCES, promptOf } from './write/prompt';
import { writeProse } from './write/prose';
import { chooseUnits, unitsOf, type Unit } from './write/units';

export interface SummarizeTools {
  library: Pick<AssistantLibrary, 'read' | 'segmentsOf'> & { long?: LongFiles };
  writer?: Writer | undefined;
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

/** Passages that the model may read, spread over the file. */
const PASSAGES = 8;
const QUESTION = 'What is this file about, and what are its main parts?';
const TASK = { question: QUESTION, text: `Question: ${QUESTION}\n${IN_SENTENCES}` };

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function summarize(file: string, { library, writer, progress, signal }: SummarizeTools): Promise<Summary> {
  progress?.(0, l10n.t('Reading'));
  if (library.long?.isLong(file)) return summarizeLong(file, { library, long: library.long, progress, signal });
  const document = await readOrThrow(library, file);
  throwIfCancelled(signal);
  progress?.(0.05, l10n.t('Outlining'));
  const segmented = await library.segmentsOf(document);
  throwIfCancelled(signal);
  const lines = splitLines(document.text);
  const parts = new Outline(document, segmented, lines).parts();
  const overview = overviewOf(factsOf(document, segmented, lines), parts);
  progress?.(0.3, l10n.t('Writing'));
  const prose =
    writer &&
    (await aboutFile(passagesOf(document, segmented.segments, lines, parts), writer, library, { progress, signal }));
  throwIfCancelled(signal);
  progress?.(1, l10n.t('Done'));
  return {
    file: document.file,
    path: document.path,
    language: document.language,
    lines: lines.length,
    overview: prose ? `${prose}\n\n${overview}` : overview,
    parts,
    author: writer && prose ? writer.author : { kind: 'extractive' },
    notices: [],
  };
}

/** The beginning of the file, then the beginnings of its parts, spread evenly. */
function passagesOf(
  { file, path }: Document,
  segments: readonly { startLine: number; endLine: number }[],
  lines: readonly string[],
  parts: readonly SummaryPart[],
): Unit[] {
  const starts = [1, ...parts.map(({ startLine }) => startLine)];
  const heads = segments.filter(({ startLine, endLine }) =>
    starts.some((line) => startLine <= line && line <= endLine),
  );
  const step = Math.max(1, heads.length / PASSAGES);
  const picked = heads.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step));
  return picked.flatMap((segment) => unitsOf({ ...segment, file, path }, lines, path).slice(0, 1));
}

/** Verified sentences with their lines. Undefined if none is carried, or the model fails. */
async function aboutFile(
  passages: readonly Unit[],
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  { progress, signal }: Pick<SummarizeTools, 'progress' | 'signal'>,
): Promise<string | undefined> {
  try {
    const chatWith = (units: readonly Unit[]) => promptOf(units, TASK, writer);
    const { units } = await chooseUnits(passages, writer, chatWith, writer.contextTokens / 2, signal);
    const request = { chat: chatWith(units), units, question: 'What is this file about?', shown: [] };
    const { markdown, citations } = await writeProse(request, writer, library, {
      signal,
      onRead: (read, total) => progress?.(0.3 + (0.5 * read) / total, l10n.t('Reading {0} of {1} tokens', read, total)),
    });
    return markdown === '' ? undefined : withLines(markdown, citations);
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

/** Citations of one file need no list: "(lines 3–9)" takes the place of a number. */
function withLines(markdown: string, citations: readonly Citation[]): string {
  return mapMarkers(markdown, (number) => {
    const citation = citations.find((each) => each.number === number);
    if (!citation) return '';
    const { startLine, endLine } = citation;
    return ` (${linesText({ startLine, endLine })})`;
  });
}
