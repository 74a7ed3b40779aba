/** Verifies recorded drafts again, without the model: designs of the verification are compared on the same drafts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitLines } from '../../../src/base';
import { sha256 } from '../../../src/base/node';
import { writeProse } from '../../../src/assistant/write/prose';
import { unitOf, type Unit } from '../../../src/assistant/write/units';
import type { Citation } from '../../../src/protocol';
import { draftWriter } from '../../assistant/write/draft-writer';
import type { Line } from './lines';

export interface Replayed {
  line: Line;
  /** Verified text; empty if nothing is carried. */
  shown: string;
  citations: readonly Citation[];
  dropped: readonly string[];
}

export async function replayed(folders: string, line: Line, points = false): Promise<Replayed> {
  const { draft = '', units = [] } = line;
  const read = units.map((quote) => unitOfQuote(join(folders, line.in), quote));
  const library = {
    read: async (file: string) => {
      const text = readFileSync(file, 'utf8');
      return { file, path: file, text, language: 'text', hash: sha256(text), size: text.length };
    },
  };
  const { markdown, citations, dropped } = await writeProse(
    { chat: [], units: read, question: line.ask, shown: [], points },
    draftWriter(draft, { contextTokens: 8_192 }),
    library,
    {},
  );
  return { line, shown: markdown, citations, dropped };
}

/** Finds the lines of a recorded quote in its file. */
function unitOfQuote(folder: string, quote: string): Unit {
  const [, path = '', title = '', text = ''] = /^File ([^\n]*?)(?: \(([^\n]*)\))?:\n([\s\S]*)\n\n$/.exec(quote) ?? [];
  const file = join(folder, path);
  const lines = splitLines(readFileSync(file, 'utf8'));
  const wanted = splitLines(text);
  const first = lines.findIndex((_, i) => wanted.every((line, at) => lines[i + at]?.trimEnd() === line.trimEnd()));
  if (first < 0) throw new Error(`${path} has changed since the draft was recorded.`);
  const span = { file, path, startLine: first + 1, endLine: first + wanted.length };
  return { ...unitOf(span, lines, title === '' ? path : title), quote };
}
