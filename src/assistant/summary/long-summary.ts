/**
 * Summarizes a text that is too long to be read whole. It is read in windows, and each gives its part of the outline.
 * The outline has a bounded number of parts: neighbours are joined when there are more.
 */
import * as l10n from '@vscode/l10n';
import { formatBytes, formatNumber, splitLines, throwIfCancelled } from '../../base';
import type { Summary, SummaryPart } from '../../protocol';
import type { DocumentSymbol, LongFiles } from '../../workspace';
import { clip } from '../citations';
import type { AssistantLibrary } from '../library';
import { errorForUser } from '../read-document';
import { factsOf, type OverviewFacts, overviewOf } from './file-overview';
import { linesTitle } from '../phrases';
import { Outline } from './outline';

export interface LongSummaryTools {
  library: Pick<AssistantLibrary, 'segmentsOf'>;
  long: LongFiles;
  progress?: ((fraction: number, message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Larger windows take fewer steps and hold the event loop longer. */
const WINDOW_BYTES = 2 << 20;
/** Parts of an outline, nested ones included. */
const MAX_PARTS = 2_000;
/** Different imports that are counted. */
const MAX_IMPORTS = 10_000;

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function summarizeLong(
  file: string,
  { library, long, progress, signal }: LongSummaryTools,
): Promise<Summary> {
  const size = long.sizeOf(file);
  const outline = new BoundedOutline(MAX_PARTS);
  let facts: OverviewFacts | undefined;
  try {
    for await (const { document, startLine, end, continues } of long.windows(file, { bytes: WINDOW_BYTES, signal })) {
      throwIfCancelled(signal);
      progress?.(end / size, l10n.t('Outlining, {0} of {1}', formatBytes(end), formatBytes(size)));
      const segmented = await library.segmentsOf(document);
      const lines = splitLines(document.text);
      facts = merged(facts, factsOf(document, segmented, lines), startLine - 1);
      // The middle of one long line adds nothing to its beginning.
      if (!continues || lines.length > 1) outline.add(new Outline(document, segmented, lines).parts(), startLine - 1);
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw errorForUser(error);
  }
  if (!facts) throw new Error(`${file} has no text.`);
  progress?.(1, l10n.t('Done'));
  const { parts, joined } = outline;
  return {
    file,
    path: facts.path,
    language: facts.language,
    lines: facts.lines,
    overview: overviewOf(facts, parts),
    parts,
    author: { kind: 'extractive' },
    notices: joined ? [joinedNotice(size, countOf(parts))] : [],
  };
}

function joinedNotice(bytes: number, parts: number): string {
  return l10n.t(
    'The file has {0}. Its outline joins neighbouring parts; {1} remain.',
    formatBytes(bytes),
    formatNumber(parts),
  );
}

/** Facts of the windows so far and of the next one, which follows `offset` lines. */
function merged(before: OverviewFacts | undefined, next: OverviewFacts, offset: number): OverviewFacts {
  if (!before) return next;
  const kinds = new Map<DocumentSymbol['kind'], number>(before.kinds);
  for (const [kind, count] of next.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  const imports = before.imports.size < MAX_IMPORTS ? new Set([...before.imports, ...next.imports]) : before.imports;
  return {
    ...before,
    lines: offset + next.lines,
    empty: before.empty && next.empty,
    hasHeadings: before.hasHeadings || next.hasHeadings,
    kinds,
    imports,
    said: before.said ?? (before.empty ? next.said : undefined),
  };
}

/**
 * Collects parts. When there are too many, the inner parts go first. Then runs of neighbours are joined: of two parts,
 * then of four, and so on, all over the file.
 */
export class BoundedOutline {
  private list: { part: SummaryPart; joins: number }[] = [];
  private count = 0;
  private nested = true;
  private run = 1;

  constructor(private readonly most: number) {}

  get parts(): readonly SummaryPart[] {
    return this.list.map(({ part }) => part);
  }

  /** Whether parts were joined or inner parts left out. */
  get joined(): boolean {
    return !this.nested;
  }

  /** @param offset number of lines before the line 1 of these parts */
  add(parts: readonly SummaryPart[], offset: number): void {
    for (const part of parts) {
      this.append(shifted(this.nested ? part : { ...part, children: [] }, offset), 1);
      while (this.count > this.most) this.shrink();
    }
  }

  private append(part: SummaryPart, joins: number): void {
    const last = this.list[this.list.length - 1];
    if (last && last.joins + joins <= this.run) {
      last.part = joinedPart(last.part, part);
      last.joins += joins;
    } else {
      this.list.push({ part, joins });
      this.count += 1 + countOf(part.children);
    }
  }

  private shrink(): void {
    const before = this.list;
    if (this.nested) this.nested = false;
    else this.run *= 2;
    this.list = [];
    this.count = 0;
    for (const { part, joins } of before) this.append({ ...part, children: [] }, joins);
  }
}

function joinedPart(first: SummaryPart, second: SummaryPart): SummaryPart {
  const { startLine, author } = first;
  const endLine = Math.max(first.endLine, second.endLine);
  const line = first.kind === 'lines' ? first.line : clip(`${first.title}: ${first.line}`, 220);
  return { title: linesTitle(startLine, endLine), kind: 'lines', startLine, endLine, line, author, children: [] };
}

function shifted(part: SummaryPart, offset: number): SummaryPart {
  const startLine = part.startLine + offset;
  const endLine = part.endLine + offset;
  const title = part.kind === 'lines' ? linesTitle(startLine, endLine) : part.title;
  return { ...part, title, startLine, endLine, children: part.children.map((child) => shifted(child, offset)) };
}

const countOf = (parts: readonly SummaryPart[]): number =>
  parts.reduce((sum, { children }) => sum + 1 + countOf(children), 0);
