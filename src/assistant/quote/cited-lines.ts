/** The lines of a passage or definition that a citation points at, and their Markdown. */
import * as l10n from '@vscode/l10n';
import { isBlank, textOfLines } from '../../base';
import type { Citation } from '../../protocol';
import type { Document } from '../../workspace';
import type { CitationList } from '../citations';
import { code, labelOf } from '../facts';
import type { Definition } from '../library';
import { linesText } from '../phrases';
import { pageAt } from '../summary/place-text';
import { docLines, type Run } from './key-lines';
import type { Passage } from './passages';

export function cite(passage: Passage, run: Run, citations: CitationList): Citation {
  return citations.cite({
    file: passage.document.file,
    path: passage.document.path,
    startLine: run.startLine,
    endLine: run.endLine,
    text: textOfLines(passage.lines, run.startLine, run.endLine),
    label: passage.label,
  });
}

/** The declaration with the first lines of its doc comment. */
export function headRun(passage: Passage): Run {
  const { symbol } = passage;
  if (!symbol) return { startLine: passage.startLine, endLine: Math.min(passage.endLine, passage.startLine + 5) };
  return headOfSymbol(symbol, passage.lines, docLines(passage));
}

function headOfSymbol(
  symbol: Passage['symbol'] & object,
  lines: readonly string[],
  isDoc: (line: number) => boolean,
): Run {
  const startLine = Math.min(symbol.docLine ?? symbol.startLine, symbol.startLine);
  let endLine = symbol.startLine;
  if (symbol.docLine !== undefined && symbol.docLine > symbol.startLine) {
    endLine = symbol.docLine;
    // The first paragraph of a docstring holds its first sentence.
    while (
      isDoc(endLine + 1) &&
      endLine < symbol.endLine &&
      !(endLine > symbol.docLine && isBlank(lines[endLine] ?? ''))
    )
      endLine++;
  }
  return { startLine, endLine };
}

/** The declaration of another definition, as a source to cite. */
export function sourceOf(definition: Definition, lines: readonly string[]): Parameters<CitationList['cite']>[0] {
  const { symbol } = definition;
  const run = headOfSymbol(symbol, lines, docLines({ symbol, lines }));
  return {
    file: definition.file,
    path: definition.path,
    ...run,
    text: textOfLines(lines, run.startLine, run.endLine),
    label: labelOf(symbol),
  };
}

/** A code block whose fence is longer than any fence in the text. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** "`Flask.dispatch_request` in `src/flask/app.py`", or lines or the page of a file without definitions. */
export function whereOf({ symbol, label, document }: Passage, { startLine, endLine }: Run): string {
  if (symbol) return l10n.t('{0} in {1}', code(label), code(document.path));
  const page = pageAt(document, startLine);
  const place =
    page === undefined ? linesText(linesInFile(document, { startLine, endLine })) : l10n.t('page {0}', page);
  return l10n.t('{0} of {1}', place, code(document.path));
}

/** Lines of a document's text as lines of its file. */
export function linesInFile({ firstLine = 1 }: Document, { startLine, endLine }: Run): Run {
  return { startLine: startLine + firstLine - 1, endLine: endLine + firstLine - 1 };
}
