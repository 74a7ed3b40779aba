import { LineTable } from '../../../base';
import { cellMarker, cellsOf } from '../../cell-markers';
import { LANGUAGES } from '../../languages';
import type { Language, Place } from '../../types';
import { ExtractionError, type Extraction, type ExtractionLimits, type Extractor } from './extractor';
import { decodeText } from './text';

/** Maximum file size. Pictures make notebooks large, while their text is far smaller. */
const MAX_BYTES = 32 << 20;
/** Maximum number of brackets in a notebook's JSON. A parser would use gigabytes for a file of brackets only. */
const MAX_BRACKETS = 2_000_000;
const MAX_CELLS = 20_000;
/** Maximum characters and lines of one output. Later lines of a training log say little. */
const MAX_OUTPUT_CHARACTERS = 4_000;
const MAX_OUTPUT_LINES = 60;

/**
 * Jupyter notebooks (nbformat 3 and 4): sources as their language, outputs as text. Pictures, HTML and widgets are left
 * out. Lines map to cells.
 */
export const NOTEBOOK: Extractor = {
  id: 'notebook',
  accepts: (name) => name.endsWith('.ipynb'),
  maxBytes: MAX_BYTES,
  extract: extractNotebook,
};

interface RawCell {
  cell_type?: unknown;
  source?: unknown;
  /** nbformat 3. */
  input?: unknown;
  level?: unknown;
  outputs?: unknown;
}

/**
 * Extracts the text of a notebook.
 * @throws ExtractionError
 */
export function extractNotebook(bytes: Uint8Array, { maxCharacters }: ExtractionLimits): Extraction {
  const { text: json, replaced } = decodeText(bytes);
  const { cells, language } = parseNotebook(json, bytes);
  const parts: string[] = [];
  let length = 0;
  const add = (part: string): void => {
    const line = part.endsWith('\n') ? part : `${part}\n`;
    length += line.length;
    if (length > maxCharacters)
      throw new ExtractionError('tooLarge', `holds more than ${maxCharacters.toLocaleString('en')} characters of text`);
    parts.push(line);
  };
  cells.forEach((cell, i) => {
    const isCode = cell.cell_type === 'code';
    const source = joined(cell.source ?? cell.input);
    const isProse = cell.cell_type === 'markdown' || cell.cell_type === 'heading';
    add(cellMarker(i + 1, isCode ? language : isProse ? 'markdown' : 'raw'));
    if (cell.cell_type === 'heading' && typeof cell.level === 'number')
      add(`${'#'.repeat(Math.min(6, Math.max(1, Math.trunc(cell.level))))} ${source}`);
    else if (source !== '') add(source);
    const output = isCode ? outputText(cell.outputs) : '';
    if (output !== '') {
      add(cellMarker(i + 1, 'output'));
      add(output);
    }
  });
  const text = parts.join('');
  return { text, language, places: placesOf(text), replaced };
}

function parseNotebook(json: string, bytes: Uint8Array): { cells: RawCell[]; language: Language } {
  let brackets = 0;
  for (const byte of bytes) if ((byte === 0x5b || byte === 0x7b) && ++brackets > MAX_BRACKETS) break;
  if (brackets > MAX_BRACKETS) throw new ExtractionError('malformed', 'is nested too deeply for a notebook');
  let notebook: unknown;
  try {
    notebook = JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new ExtractionError('malformed', 'is not a valid Jupyter notebook: it is not JSON', { cause: error });
  }
  const { cells, worksheets, metadata } = record(notebook);
  const found = Array.isArray(cells)
    ? cells
    : Array.isArray(worksheets)
      ? worksheets.flatMap((sheet) => {
          const { cells: own } = record(sheet);
          return Array.isArray(own) ? own : [];
        })
      : undefined;
  if (!found) throw new ExtractionError('malformed', 'is not a valid Jupyter notebook: it has no cells');
  if (found.length > MAX_CELLS)
    throw new ExtractionError('tooLarge', `has more than ${MAX_CELLS.toLocaleString('en')} cells`);
  return { cells: found.map(record), language: kernelLanguage(metadata) };
}

/** Returns the language of the code cells, from the kernel's name for it: `R`, `c++17`, `julia`. */
function kernelLanguage(metadata: unknown): Language {
  const { kernelspec, language_info: info, language } = record(metadata);
  for (const name of [record(kernelspec)['language'], record(info)['name'], language]) {
    if (typeof name !== 'string') continue;
    const id = name
      .toLowerCase()
      .replace(/^c\+\+\d*$/, 'cpp')
      .replace(/^ipython\d*$/, 'python')
      .replace(/^bash$/, 'shellscript');
    if (LANGUAGES.some((entry) => entry.id === id)) return id;
  }
  return 'python';
}

function outputText(outputs: unknown): string {
  if (!Array.isArray(outputs)) return '';
  const texts = outputs.flatMap((output) => {
    const { text, data, ename, evalue } = record(output);
    const bundle = record(data);
    // The text form of a picture is `<Figure size 640x480 with 1 Axes>`.
    const isPicture = Object.keys(bundle).some((type) => type.startsWith('image/'));
    if (typeof ename === 'string') return [`${ename}: ${typeof evalue === 'string' ? evalue : ''}`];
    if (text !== undefined) return [joined(text)];
    return isPicture ? [] : [joined(bundle['text/plain'] ?? bundle['text/markdown'])];
  });
  return shortened(plain(texts.filter((text) => text.trim() !== '').join('\n')));
}

/** Removes terminal control sequences. For a line that a progress bar rewrites, keeps the last state. */
function plain(text: string): string {
  return text
    .replace(/\u001B\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n');
}

function shortened(text: string): string {
  const lines = text.trimEnd().split('\n');
  const kept = lines.slice(0, MAX_OUTPUT_LINES).join('\n').slice(0, MAX_OUTPUT_CHARACTERS);
  return kept.length < text.trimEnd().length ? `${kept}\n…` : kept;
}

/** Joins a text that nbformat stores as a string or as lines with their ends. */
function joined(source: unknown): string {
  const text = Array.isArray(source) ? source.filter((line) => typeof line === 'string').join('') : source;
  return typeof text === 'string' ? text.replace(/\r\n?/g, '\n') : '';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function placesOf(text: string): Place[] {
  return (cellsOf(new LineTable(text)) ?? []).map(({ number, first, end }) => ({
    kind: 'cell',
    number,
    startLine: first + 1,
    endLine: Math.max(first + 1, end),
  }));
}
