/** Markdown from the lines of a document's pages: headings, paragraphs, lists, code, and marks between the pages. */
import { pageMark } from '../../../page-marks';
import type { Place } from '../../../types';
import type { PageLine } from './page-lines';

export interface OutlineTitle {
  title: string;
  /** 1 for the document's chapters. */
  level: number;
}

/** A heading's font is larger than the body's by this factor. */
const LARGER = 1.12;
const MAX_TITLE = 160;
/** Levels given to sizes of headings where the document has no outline. */
const MAX_SIZES = 4;
/** A gap above this factor of the font size begins a paragraph. */
const PARAGRAPH_GAP = 1.75;
/** First and last lines that stand on this share of pages are running titles. */
const RUNNING_SHARE = 0.3;
const RUNNING_PAGES = 4;
const EDGE_LINES = 2;

/** @param pages lines of each page, in order */
export function textOfPages(
  pages: readonly (readonly PageLine[])[],
  outline: readonly OutlineTitle[],
): { text: string; places: Place[] } {
  const body = bodySize(pages);
  const running = runningTitles(pages);
  const levels = headingLevels(pages, body, outline);
  const out: string[] = [];
  const places: Place[] = [];
  pages.forEach((page, i) => {
    const startLine = out.length + 1;
    if (out.length > 0 && out.at(-1) !== '') out.push('');
    out.push(pageMark(i + 1), '');
    const kept = page.filter(
      (line, at) => !isEdge(at, page.length) || !(running.has(runningKey(line.text)) || isFooter(line.text)),
    );
    new PageWriter(out, levels).write(withoutContents(kept));
    places.push({ kind: 'page', number: i + 1, startLine, endLine: out.length });
  });
  return { text: out.map((line) => `${line}\n`).join(''), places };
}

const LEADERS = /(?:\s?\.){5,}\s*[\divxlc]+$/i;
const CONTENTS_LINES = 4;

/** Without lines of a table of contents, which repeat the headings and answer nothing. */
function withoutContents(lines: readonly PageLine[]): readonly PageLine[] {
  const dotted = lines.filter(({ text }) => LEADERS.test(text)).length;
  if (dotted < CONTENTS_LINES) return lines;
  return lines.filter(({ text }) => !LEADERS.test(text) && !/\s{3}[\divxlc]+$/i.test(text));
}

/** Font size that most characters have. */
function bodySize(pages: readonly (readonly PageLine[])[]): number {
  const counts = new Map<number, number>();
  for (const page of pages) for (const { size, text } of page) counts.set(size, (counts.get(size) ?? 0) + text.length);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 10;
}

/** On a page of few lines, those in the middle are text. */
function isEdge(at: number, count: number): boolean {
  const edge = Math.min(EDGE_LINES, Math.floor((count - 1) / 2));
  return at < edge || at >= count - edge;
}

/** A page number, and the section's title at the other margin. */
const isFooter = (text: string): boolean =>
  text.length < MAX_TITLE && /^\s*(?:[ivxlc\d]+\s{3}.*|.*\s{3}[ivxlc\d]+|\d{1,4})\s*$/i.test(text);

/** A running title without its page number. */
const runningKey = (text: string): string =>
  text
    .replace(/\b(?:[ivxlc]+|\d+)\b/gi, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();

function runningTitles(pages: readonly (readonly PageLine[])[]): Set<string> {
  const counts = new Map<string, number>();
  for (const page of pages) {
    const edges = page.filter((_, at) => isEdge(at, page.length));
    for (const key of new Set(edges.map(({ text }) => runningKey(text)))) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const enough = Math.max(RUNNING_PAGES, RUNNING_SHARE * pages.length);
  const titles = new Set<string>();
  // A number alone at the edge is the page's; chapters have running titles of their own.
  for (const [key, count] of counts)
    if (count >= enough || (count >= RUNNING_PAGES && /^#|#$/.test(key))) titles.add(key);
  return titles;
}

const BULLET = /^\s*[•‣◦▪●∙·–]\s+/;

const titleKey = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
const withoutNumber = (text: string): string =>
  text.replace(
    /^\s*(?:(?:chapter|appendix|part|section|kapitel|anhang)\s+)?(?:[\divxlc]+|[A-Z])(?:\.\d+)*[.:)]?\s+/i,
    '',
  );

/** The level of a line as a heading, or undefined. */
type HeadingLevels = (line: PageLine) => number | undefined;

function headingLevels(
  pages: readonly (readonly PageLine[])[],
  body: number,
  outline: readonly OutlineTitle[],
): HeadingLevels {
  const isTitle = ({ text, size, monospace }: PageLine): boolean =>
    !monospace && size >= LARGER * body && text.length <= MAX_TITLE && /\p{L}/u.test(text) && !BULLET.test(text);
  if (outline.length >= 3) {
    const levels = new Map<string, number>();
    for (const { title, level } of outline)
      for (const key of [titleKey(title), titleKey(withoutNumber(title))])
        if (key !== '' && !levels.has(key)) levels.set(key, Math.min(6, level));
    return (line) => {
      if (line.text.length > MAX_TITLE || line.size < body || BULLET.test(line.text)) return undefined;
      const level = levels.get(titleKey(line.text)) ?? levels.get(titleKey(withoutNumber(line.text)));
      // The same words in the body's font are a reference, or a line of the table of contents.
      return level !== undefined && (isTitle(line) || line.font !== bodyFont(pages, body)) ? level : undefined;
    };
  }
  const sizes = [...new Set(pages.flatMap((page) => page.filter(isTitle).map(({ size }) => size)))]
    .sort((a, b) => b - a)
    .slice(0, MAX_SIZES);
  return (line) => {
    if (!isTitle(line)) return undefined;
    const at = sizes.indexOf(line.size);
    return at < 0 ? MAX_SIZES : at + 1;
  };
}

const fonts = new WeakMap<object, string>();

/** The font that most characters of the body's size have. */
function bodyFont(pages: readonly (readonly PageLine[])[], body: number): string {
  const known = fonts.get(pages);
  if (known !== undefined) return known;
  const counts = new Map<string, number>();
  for (const page of pages)
    for (const { font, size, text } of page) if (size === body) counts.set(font, (counts.get(font) ?? 0) + text.length);
  const font = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
  fonts.set(pages, font);
  return font;
}

class PageWriter {
  private fenced = false;
  private heading = 0;
  private left = 0;

  constructor(
    private readonly out: string[],
    private readonly levels: HeadingLevels,
  ) {}

  write(lines: readonly PageLine[]): void {
    let before: PageLine | undefined;
    for (const line of lines) {
      this.line(line, before);
      before = line;
    }
    this.fence(false);
  }

  private line(line: PageLine, before: PageLine | undefined): void {
    const level = this.levels(line);
    if (level !== undefined) {
      this.fence(false);
      const follows = before !== undefined && this.heading === level && before.size === line.size;
      const text = line.text.trim().replace(/\s+/g, ' ');
      if (follows && before.y > line.y && before.y - line.y < 2 * line.size) this.out.push(`${this.out.pop()} ${text}`);
      else {
        this.blank();
        this.out.push(`${'#'.repeat(level)} ${text}`);
      }
      this.heading = level;
      return;
    }
    if (this.heading > 0) this.blank();
    this.heading = 0;
    if (line.monospace) {
      if (!this.fenced) {
        this.left = line.x;
        this.fence(true);
      }
      const indent = Math.max(0, Math.round((line.x - this.left) / (0.6 * line.size)));
      this.out.push(' '.repeat(Math.min(40, indent)) + line.text);
      return;
    }
    this.fence(false);
    if (before && beginsParagraph(line, before)) this.blank();
    const text = BULLET.test(line.text) ? line.text.replace(BULLET, '- ') : line.text.trim();
    if (!this.hyphenated(text)) this.out.push(text);
  }

  /** A word that was parted at the end of a line is put together there. */
  private hyphenated(text: string): boolean {
    const last = this.out.at(-1);
    const rest = /^(\p{Ll}+[\p{P}]*)\s*(.*)$/u.exec(text);
    if (last === undefined || !rest || !/\p{Ll}{2}[-\u2010]$/u.test(last)) return false;
    this.out[this.out.length - 1] = last.slice(0, -1) + (rest[1] ?? '');
    if (rest[2]) this.out.push(rest[2]);
    return true;
  }

  private fence(on: boolean): void {
    if (this.fenced === on) return;
    if (on) this.blank();
    this.out.push('```');
    if (!on) this.out.push('');
    this.fenced = on;
  }

  private blank(): void {
    if (this.out.length > 0 && this.out.at(-1) !== '') this.out.push('');
  }
}

function beginsParagraph(line: PageLine, before: PageLine): boolean {
  if (BULLET.test(line.text)) return !BULLET.test(before.text) && before.y - line.y > PARAGRAPH_GAP * line.size;
  const gap = before.y - line.y;
  // A line higher than the one before begins a column, in the middle of a paragraph as a rule.
  if (gap < 0) return false;
  return gap > PARAGRAPH_GAP * Math.max(line.size, before.size) || Math.abs(line.size - before.size) > 0.15 * line.size;
}
