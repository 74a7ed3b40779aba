/** Headings of texts without a markup of their own, by their form, and of LaTeX and man pages. */
import type { LineTable } from '../../base';
import type { Heading } from './prose';

const MOST_TITLE = 90;
/** Fewer numbered lines, or lines in capitals, are no headings. */
const LEAST_OF_FORM = 3;

const NUMBERED = /^ {0,3}((?:\d{1,3}|[A-Z](?=\.\d))(?:\.\d{1,3})*)\.?[ \t\u00a0\u3000]+(\S.*)$/;
const CHAPTER =
  /^ {0,3}(?:(?:chapter|appendix|part|kapitel|anhang|teil|chapitre|annexe|partie|cap[ií]tulo|ap[eé]ndice|capitolo|hoofdstuk|глава|приложение|часть)\s+[\dA-ZА-ЯIVX]+\b|第\s*[\d一二三四五六七八九十]+\s*[章部节節])/i;
const CAPITALS = /^(?=.*\p{Lu}{3})[\p{Lu}\d][\p{Lu}\d ,'’&/().:-]{2,60}$/u;

/** Numbered lines, chapters, and lines in capitals that stand between blank lines. */
export function plainHeadings(lines: LineTable): Heading[] {
  const numbered: Heading[] = [];
  const chapters: Heading[] = [];
  const capitals: Heading[] = [];
  for (let line = 0; line < lines.count; line++) {
    const text = lines.line(line, 300).trimEnd();
    if (text === '' || text.length > MOST_TITLE || !standsAlone(lines, line)) continue;
    const number = NUMBERED.exec(text);
    const heading = { line, height: 1, title: text.trim() };
    if (CHAPTER.test(text)) chapters.push({ ...heading, level: 1 });
    else if (number?.[1] && isTitle(number[2] ?? '')) numbered.push({ ...heading, level: number[1].split('.').length });
    else if (CAPITALS.test(text) && isIndentedBelow(lines, line)) capitals.push({ ...heading, level: 1 });
  }
  // A list of steps has numbers too; only sections have numbers of several parts.
  const isSectioned = numbered.filter(({ level }) => level > 1).length >= LEAST_OF_FORM;
  const sections = isSectioned ? numbered : [];
  const deeper = chapters.length > 0 && sections.every(({ level }) => level > 1) ? 0 : chapters.length > 0 ? 1 : 0;
  // Among numbered sections, a line in capitals is a term or a warning.
  const firstNumbered = Math.min(...[...chapters, ...sections].map(({ line }) => line));
  return [
    ...chapters,
    ...sections.map((heading) => ({ ...heading, level: heading.level + deeper })),
    ...(capitals.length >= LEAST_OF_FORM ? capitals.filter(({ line }) => line < firstNumbered) : []),
  ].sort((a, b) => a.line - b.line);
}

/** Between blank lines; the first line of a text counts too. */
function standsAlone(lines: LineTable, line: number): boolean {
  return (line === 0 || lines.isBlank(line - 1)) && line + 1 < lines.count && lines.isBlank(line + 1);
}

const isTitle = (text: string): boolean => /^[\p{L}\p{N}"'“«"([-]/u.test(text) && !/[.,;:!?。]$/.test(text);

/** A man page's or RFC's heading stands at the margin, its text does not. */
function isIndentedBelow(lines: LineTable, line: number): boolean {
  let next = line + 1;
  while (next < lines.count && lines.isBlank(next)) next++;
  return next < lines.count && lines.indent(next) >= 2;
}

const LATEX = ['part', 'chapter', 'section', 'subsection', 'subsubsection', 'paragraph'];

export function latexHeadings(lines: LineTable): Heading[] {
  return byPattern(
    lines,
    /^\s*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?(?:\[[^\]]*\])?\{(.+?)\}/,
    (mark) => LATEX.indexOf(mark) + 1,
  );
}

export function manHeadings(lines: LineTable): Heading[] {
  return byPattern(lines, /^[.'](S[HhSs])\s+"?(.+?)"?\s*$/, (mark) => (/S[Hh]/.test(mark) ? 1 : 2));
}

function byPattern(lines: LineTable, pattern: RegExp, level: (mark: string) => number): Heading[] {
  const headings: Heading[] = [];
  for (let line = 0; line < lines.count; line++) {
    const [, mark, title] = pattern.exec(lines.line(line, 300)) ?? [];
    if (mark !== undefined && title !== undefined)
      headings.push({ line, height: 1, level: level(mark), title: title.trim() });
  }
  return headings;
}
