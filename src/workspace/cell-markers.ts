import type { LineTable } from '../base';
import type { Language } from './types';

/**
 * Cell markers in the text of a notebook. Each cell follows a marker line in the percent format of VS Code and
 * Jupytext. The notebook extractor writes the markers, and the segmenter reads them.
 *
 *     # %% Cell 1 [markdown]
 *     # %% Cell 2 [python]
 *     # %% Cell 2 [output]
 */
export type CellType = 'code' | 'markdown' | 'output';

export interface Cell {
  type: CellType;
  /** 1-based number of the cell in the notebook. */
  number: number;
  /** Language of a code cell. */
  language: Language;
  /** 0-based line of the marker. */
  marker: number;
  /** 0-based lines of the content, [first, end). */
  first: number;
  end: number;
}

export const cellMarker = (number: number, kind: string): string => `# %% Cell ${number} [${kind}]`;

const MARKER = /^# %% Cell (\d+) \[([\w.+#-]+)\]$/;

export const isCellMarker = (line: string): boolean => MARKER.test(line);

/**
 * Splits a notebook's text into cells. Returns undefined for any other text. A marker counts only if it has the next
 * number.
 */
export function cellsOf(lines: LineTable): Cell[] | undefined {
  if (!MARKER.test(lines.line(0, 80))) return undefined;
  const cells: Cell[] = [];
  for (let line = 0; line < lines.count; line++) {
    const marker = MARKER.exec(lines.line(line, 80));
    if (!marker) continue;
    const number = Number(marker[1]);
    const kind = marker[2] ?? '';
    const before = cells.at(-1);
    const isOutput = kind === 'output' && number === before?.number && before.type === 'code';
    if (!isOutput && number !== (before?.number ?? 0) + 1) continue;
    if (before) before.end = line;
    const type = isOutput ? 'output' : kind === 'markdown' ? 'markdown' : 'code';
    cells.push({ type, number, language: kind, marker: line, first: line + 1, end: lines.count });
  }
  return cells;
}
