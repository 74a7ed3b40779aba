/** Definitions in the code of R Markdown and Quarto: fenced blocks whose language stands in braces, `{r}`. */
import type { LineTable } from '../../base';
import type { DocumentSymbol, Language } from '../types';
import { symbolsByPattern } from './patterns';

const OPEN = /^\s*(`{3,}|~{3,})\s*\{\s*([\w-]+)[^}]*\}\s*$/;
const LANGUAGES: Readonly<Record<string, Language>> = {
  r: 'r',
  python: 'python',
  julia: 'julia',
  sql: 'sql',
  bash: 'shellscript',
  sh: 'shellscript',
  ojs: 'javascript',
  js: 'javascript',
  stan: 'c',
};

interface Chunk {
  language: Language;
  /** 0-based lines of the code, [first, end). */
  first: number;
  end: number;
}

/** The definitions of all chunks, in order. */
export function symbolsOfChunks(lines: LineTable): DocumentSymbol[] {
  const chunks = chunksOf(lines);
  return [...new Set(chunks.map(({ language }) => language))]
    .flatMap((language) =>
      symbolsByPattern(lines, language).flatMap((symbol): DocumentSymbol[] => {
        const chunk = chunks.find(
          (each) => each.language === language && each.first < symbol.startLine && symbol.startLine <= each.end,
        );
        // A definition ends with its chunk.
        return chunk ? [{ ...symbol, container: [], endLine: Math.min(symbol.endLine, chunk.end) }] : [];
      }),
    )
    .sort((a, b) => a.startLine - b.startLine);
}

function chunksOf(lines: LineTable): Chunk[] {
  const chunks: Chunk[] = [];
  for (let line = 0; line < lines.count; line++) {
    const [, fence = '', name = ''] = OPEN.exec(lines.line(line, 200)) ?? [];
    const language = LANGUAGES[name.toLowerCase()];
    if (fence === '' || language === undefined) continue;
    const first = line + 1;
    do line++;
    while (line < lines.count && !lines.line(line, 200).trim().startsWith(fence));
    chunks.push({ language, first, end: Math.min(line, lines.count) });
  }
  return chunks;
}
