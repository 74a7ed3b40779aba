/** YAML that holds texts, such as a manual in the data of a site: prose, whose titles are headings. */
import type { LineTable } from '../../base';
import type { Heading } from './prose';

const LEAST_CHARACTERS = 1_500;
/** Shares of the file that is in block texts, of their lines that have words, and of those that end a sentence. */
const TEXTS = 0.5;
const WORDED = 0.5;
const ENDED = 0.12;

/** `body: |`, whose text is the deeper lines. */
const BLOCK = /^(\s*(?:- +)?)[\w-]+:\s*[|>][+-]?\d?\s*$/;
const TITLE = /^(\s*(?:- +)?)(?:title|headline|heading|name|section|chapter|question):\s+(["']?)(.+?)\2\s*$/i;
const WORDS = /(?:\p{L}{2,}[,;:]?\s+){3,}\p{L}{2,}/u;
const END = /[.!?:][)"'`]*$/;

/** The headings of such a file, from the outermost on; undefined for other YAML. */
export function yamlHeadings(lines: LineTable): Heading[] | undefined {
  if (lines.text.length < LEAST_CHARACTERS) return undefined;
  const titles: { line: number; indent: number; title: string }[] = [];
  let characters = 0;
  let count = 0;
  let worded = 0;
  let ended = 0;
  for (let line = 0; line < lines.count; line++) {
    const text = lines.line(line, 400);
    const [, before, , title] = TITLE.exec(text) ?? [];
    if (before !== undefined && title !== undefined) titles.push({ line, indent: before.length, title: plain(title) });
    const key = BLOCK.exec(text)?.[1];
    if (key === undefined) continue;
    while (line + 1 < lines.count && (lines.isBlank(line + 1) || lines.indent(line + 1) > key.length)) {
      line++;
      const inside = lines.line(line, 400).trim();
      if (inside === '') continue;
      characters += inside.length;
      count++;
      if (WORDS.test(inside)) worded++;
      if (END.test(inside)) ended++;
    }
  }
  const isProse = characters >= TEXTS * lines.text.length && worded >= WORDED * count && ended >= ENDED * count;
  if (!isProse) return undefined;
  const indents = [...new Set(titles.map(({ indent }) => indent))].sort((a, b) => a - b);
  return titles.map(({ line, indent, title }) => ({ line, height: 1, level: indents.indexOf(indent) + 1, title }));
}

const plain = (title: string): string => title.replace(/[`*]/g, '').trim();
