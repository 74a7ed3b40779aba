import type { Markup } from '../languages';
import type { DocumentSymbol } from '../types';
import { Cuts } from './cuts';
import { asciidocHeadings, delimitedLines, isAsciidoc } from './asciidoc';
import { latexHeadings, manHeadings, plainHeadings } from './plain-headings';
import type { LineTable } from '../../base';

export interface Prose {
  cuts: Cuts;
  headings: Heading[];
  /** Headings as symbols. Each extends to the last line before the next heading of its level or above. */
  symbols: DocumentSymbol[];
}

/** Lines are 0-based. */
export interface Heading {
  line: number;
  /** Number of lines of the heading itself, including an underline and overline. */
  height: number;
  level: number;
  title: string;
}

const FENCED = 2.5;
const INSIDE_PARAGRAPH = 1.2;
const PARAGRAPH = 0.4;
/** Cost that makes a new section preferable to filling up a segment. */
const SECTION_JOIN = 0.35;

/** Returns cuts at headings, then at paragraphs. A fenced block that fits is never cut. */
export function readProse(lines: LineTable, markup: Markup): Prose {
  const form = markup === 'plaintext' && isAsciidoc(lines) ? 'asciidoc' : markup;
  const fenced =
    form === 'markdown'
      ? fencedLines(lines)
      : form === 'asciidoc'
        ? delimitedLines(lines)
        : new Uint8Array(lines.count);
  return proseWith(lines, headingsOf(lines, form, fenced), fenced);
}

/** Prose whose headings are known. */
export function proseWith(
  lines: LineTable,
  headings: Heading[],
  fenced: Uint8Array = new Uint8Array(lines.count),
): Prose {
  const cuts = new Cuts(lines.count, INSIDE_PARAGRAPH);
  for (let line = 0; line < lines.count; line++) {
    if (lines.isBlank(line)) cuts.cut[line] = 2;
    else if (line === 0 || lines.isBlank(line - 1))
      cuts.cut[line] = PARAGRAPH + Math.min(2, Math.max(0, lines.indent(line)) / 4) * 0.3;
    if (fenced[line]) cuts.cut[line] = (cuts.cut[line] ?? 0) + FENCED;
  }
  for (const heading of headings) {
    cuts.cut[heading.line] = Math.min(0.3, 0.05 * (heading.level - 1));
    cuts.join[heading.line] = heading.level <= 2 ? SECTION_JOIN * 2 : SECTION_JOIN;
    // A heading has no content alone, so it stays with its first paragraph.
    for (let line = heading.line + 1; line < lines.count && line <= heading.line + heading.height + 1; line++) {
      cuts.cut[line] = Math.max(cuts.cut[line] ?? 0, 3);
      if (line >= heading.line + heading.height && !lines.isBlank(line)) break;
    }
  }
  return { cuts, headings, symbols: sections(headings, lines.count) };
}

function headingsOf(lines: LineTable, markup: Markup, fenced: Uint8Array): Heading[] {
  switch (markup) {
    case 'markdown':
      return markdownHeadings(lines, fenced);
    case 'restructuredtext':
      return rstHeadings(lines);
    case 'asciidoc':
      return asciidocHeadings(lines, fenced);
    case 'latex':
      return latexHeadings(lines);
    case 'man':
      return manHeadings(lines);
    case 'plaintext':
      return merged(rstHeadings(lines), plainHeadings(lines));
  }
}

/** Headings of two forms. Where a text has underlined ones, those of the other form are below them. */
function merged(first: readonly Heading[], second: readonly Heading[]): Heading[] {
  const taken = new Set(first.flatMap(({ line, height }) => Array.from({ length: height }, (_, i) => line + i)));
  return [...first, ...second.filter(({ line }) => !taken.has(line))].sort((a, b) => a.line - b.line);
}

/** Marks lines of a fenced block after its opening line with 1 (CommonMark 4.5). */
function fencedLines(lines: LineTable): Uint8Array {
  const inside = new Uint8Array(lines.count);
  let fence = '';
  for (let line = 0; line < lines.count; line++) {
    const match = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(lines.line(line, 200));
    if (fence !== '') {
      inside[line] = 1;
      if (match?.[1]?.startsWith(fence) && match[2]?.trim() === '') fence = '';
    } else if (match?.[1] && !(match[1].startsWith('`') && match[2]?.includes('`'))) {
      fence = match[1];
    }
  }
  return inside;
}

function markdownHeadings(lines: LineTable, fenced: Uint8Array): Heading[] {
  const headings: Heading[] = [];
  let start = 0;
  if (/^---\s*$/.test(lines.line(0, 20))) {
    // Rulers of front matter are not setext headings.
    for (let line = 1; line < Math.min(lines.count, 200); line++) {
      if (/^(?:---|\.\.\.)\s*$/.test(lines.line(line, 20))) {
        start = line + 1;
        break;
      }
    }
  }
  for (let line = start; line < lines.count; line++) {
    if (fenced[line]) continue;
    const text = lines.line(line, 300);
    const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(text);
    if (atx?.[1]) {
      headings.push({ line, height: 1, level: atx[1].length, title: plainTitle(atx[2] ?? '') });
      continue;
    }
    const underline = /^ {0,3}(=+|-+)[ \t]*$/.exec(text)?.[1];
    if (!underline || line === start || (underline.length < 2 && underline === '-')) continue;
    const above = lines.line(line - 1, 300);
    const single = line - 1 === start || lines.isBlank(line - 2);
    if (
      single &&
      /\S/.test(above) &&
      !fenced[line - 1] &&
      !/^(?: {4}|\t| {0,3}(?:[-*+][ \t]|[>|#]|\d+[.)][ \t].*\.$))/.test(above)
    ) {
      headings.push({ line: line - 1, height: 2, level: underline.startsWith('=') ? 1 : 2, title: plainTitle(above) });
    }
  }
  return headings;
}

/** Removes links, emphasis and code marks. */
function plainTitle(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`[^`]*`|<[^>]+>/g, (found) => (found.startsWith('`') ? found : ''))
    .replace(/\{#[\w-]+\}\s*$/, '')
    .replace(/[*`]/g, '')
    .trim();
}

const ADORNMENT = /^([!-/:-@[-`{-~])\1{2,}\s*$/;

/** Finds section titles by underline (and overline). Levels follow the order in which the styles appear (docutils). */
function rstHeadings(lines: LineTable): Heading[] {
  const headings: Heading[] = [];
  const styles: string[] = [];
  for (let line = 1; line < lines.count; line++) {
    const mark = ADORNMENT.exec(lines.line(line, 300))?.[1];
    if (!mark) continue;
    const title = lines.line(line - 1, 300);
    if (!/\S/.test(title) || ADORNMENT.test(title) || lines.line(line, 300).trimEnd().length < title.trim().length)
      continue;
    const overline = line >= 2 && ADORNMENT.exec(lines.line(line - 2, 300))?.[1] === mark;
    if (!overline && (/^\s/.test(title) || (line >= 2 && !lines.isBlank(line - 2)))) continue;
    const style = overline ? mark + mark : mark;
    if (!styles.includes(style)) styles.push(style);
    headings.push({
      line: overline ? line - 2 : line - 1,
      height: overline ? 3 : 2,
      level: styles.indexOf(style) + 1,
      title: title.trim(),
    });
  }
  return headings;
}

/** Converts headings to symbols. Each extends to the next heading of its level or above, at most to line `count`. */
export function sections(headings: readonly Heading[], count: number): DocumentSymbol[] {
  const open: { level: number; name: string }[] = [];
  return headings.map((heading, i) => {
    while ((open.at(-1)?.level ?? 0) >= heading.level) open.pop();
    const container = open.map((h) => h.name);
    open.push({ level: heading.level, name: heading.title });
    let next = i + 1;
    while (next < headings.length && (headings[next]?.level ?? 0) > heading.level) next++;
    const endLine = next < headings.length ? (headings[next]?.line ?? count) : count;
    return {
      name: heading.title,
      kind: 'heading' as const,
      container,
      startLine: heading.line + 1,
      endLine,
      signature: heading.title.slice(0, 200),
      exported: true,
    };
  });
}
