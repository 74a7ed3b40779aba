/** Finds code and prose that resembles given lines: other ways the workspace does the same thing. */
import { splitLines, textOfLines } from '../base';
import type { RankedSpan } from '../protocol';
import { identifierWords, type Search, type SearchResult } from '../search';
import type { AssistantLibrary } from './library';
import { readOrThrow } from './read-document';

export interface RelatedTools {
  library: Pick<AssistantLibrary, 'read' | 'segmentsOf'>;
  search: Pick<Search, 'search'>;
  limit: number;
  signal?: AbortSignal | undefined;
}

interface Lines {
  startLine: number;
  endLine: number;
}

/** Words of the query. A longer one ranks by words that nearly every file has. */
const MOST_WORDS = 24;
/** Words of the definition's name and comment count as if they stood in the text this often. */
const NAME_COUNT = 4;
/** Results asked for beside the limit, because the lines themselves and their neighbours are among them. */
const SPARE = 12;

/**
 * Ranks spans by the most frequent words of the lines. Names are split into words, so that `retry_request` finds
 * `RequestRetrier`. Names as a whole would find what the lines call instead of what resembles them.
 * @throws AppError('fileNotFound' | 'fileUnreadable'), or the signal's reason
 */
export async function findRelated(
  span: { file: string } & Lines,
  { library, search, limit, signal }: RelatedTools,
): Promise<SearchResult> {
  const document = await readOrThrow(library, span.file);
  const { symbols } = await library.segmentsOf(document);
  const symbol = symbols
    .filter((each) => (each.docLine ?? each.startLine) <= span.endLine && each.endLine >= span.startLine)
    .sort((a, b) => distance(a, span) - distance(b, span))[0];
  // A cursor in a definition means the whole of it.
  const lines =
    symbol && span.startLine === span.endLine ? { ...symbol, startLine: symbol.docLine ?? symbol.startLine } : span;
  const text = textOfLines(splitLines(document.text), lines.startLine, lines.endLine);
  const words = frequentWords(text, symbol ? `${symbol.name} ${symbol.doc ?? ''}` : '');
  const { spans, coverage } = await search.search(words.join(' '), {
    scope: { kind: 'workspace' },
    limit: limit + SPARE,
    signal,
  });
  const isOther = ({ file, startLine, endLine }: RankedSpan): boolean =>
    file !== span.file || endLine < lines.startLine || startLine > lines.endLine;
  return { spans: spans.filter(isOther).slice(0, limit), coverage };
}

/** Zero for the same lines. */
const distance = (a: Lines, b: Lines): number => Math.abs(a.startLine - b.startLine) + Math.abs(a.endLine - b.endLine);

function frequentWords(text: string, name: string): string[] {
  const counts = new Map<string, number>();
  const add = (from: string, times: number): void => {
    for (const [identifier] of from.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu))
      for (const word of identifierWords(identifier))
        if (word.length > 2) counts.set(word, (counts.get(word) ?? 0) + times);
  };
  add(name, NAME_COUNT);
  add(text, 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_WORDS)
    .map(([word]) => word);
}
