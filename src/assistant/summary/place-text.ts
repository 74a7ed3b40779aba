import * as l10n from '@vscode/l10n';
import { type Document, pageOfMark } from '../../workspace';
import { linesText } from '../phrases';

/** Where lines of a document are: "lines 3–4", or "page 2" where it has pages. */
export function placeText(document: Document, startLine: number, endLine: number): string {
  const page = pageAt(document, startLine);
  return page === undefined ? linesText({ startLine, endLine }) : l10n.t('page {0}', page);
}

/** The page of a line, by the marks above it; undefined in a document without pages. */
export function pageAt({ text }: Document, line: number): number | undefined {
  let page: number | undefined;
  let at = 0;
  for (let row = 1; row <= line && at >= 0; row++) {
    const next = text.indexOf('\n', at);
    page = pageOfMark(text.slice(at, next < 0 ? undefined : next).trimEnd()) ?? page;
    if (next < 0) break;
    at = next + 1;
  }
  return page;
}

/** Number of the last page; undefined for a document without pages. */
export function pagesOf({ text }: Document): number | undefined {
  const pages = [...text.matchAll(/^\[page \d{1,6}\]$/gm)].map(([mark]) => pageOfMark(mark) ?? 0);
  return pages.length > 0 ? Math.max(...pages) : undefined;
}
