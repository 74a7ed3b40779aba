/** Blocks and headings of AsciiDoc. Its sources often are `.txt` files. */
import type { LineTable } from '../../base';
import type { Heading } from './prose';

const MARK =
  /^(?:\[(?:verse|quote|source|listing|NOTE|TIP|WARNING|\[)|ifn?def::|endif::|include::|\+$|={2,6} \S)|\blink(?:git)?:\S+\[/;
/** A text with fewer lines of AsciiDoc is plain. */
const LEAST_MARKS = 3;

export function isAsciidoc(lines: LineTable): boolean {
  let marks = 0;
  for (let line = 0; line < lines.count && marks < LEAST_MARKS; line++)
    if (MARK.test(lines.line(line, 200).trimEnd())) marks++;
  return marks >= LEAST_MARKS;
}

/** Delimiters of blocks whose content is verbatim: listing, literal, passthrough. */
const DELIMITER = /^(-{4,}|\.{4,}|\+{4,}|`{3,})$/;

/** Marks the lines of verbatim blocks after their opening line with 1, as `fencedLines` does for Markdown. */
export function delimitedLines(lines: LineTable): Uint8Array {
  const inside = new Uint8Array(lines.count);
  let open = '';
  for (let line = 0; line < lines.count; line++) {
    const text = lines.line(line, 200).trimEnd();
    if (open !== '') {
      inside[line] = 1;
      if (text === open) open = '';
    } else if (DELIMITER.test(text) && !underlines(lines, line)) open = text;
  }
  return inside;
}

const UNDERLINE = /^(=|-|~|\^|\+)\1{3,}$/;
const LEVELS = ['=', '-', '~', '^', '+'];
/** An underline may differ from its title by this many characters. */
const TOLERANCE = 3;

/** Whether the line is the underline of a title. */
function underlines(lines: LineTable, line: number): boolean {
  if (line === 0 || !UNDERLINE.test(lines.line(line, 200).trimEnd())) return false;
  const title = lines.line(line - 1, 200).trimEnd();
  return (
    /^[\p{L}\p{N}_"'`(-]/u.test(title) &&
    Math.abs(title.length - lines.line(line, 200).trimEnd().length) <= TOLERANCE &&
    (line === 1 || lines.isBlank(line - 2) || /^\[|^\/\/|^\.\S/.test(lines.line(line - 2, 200)))
  );
}

/** `== Title` and underlined titles. */
export function asciidocHeadings(lines: LineTable, inside: Uint8Array = delimitedLines(lines)): Heading[] {
  const headings: Heading[] = [];
  for (let line = 0; line < lines.count; line++) {
    if (inside[line]) continue;
    const [, marks, title] = /^(={1,6})[ \t]+(\S.*?)(?:[ \t]+=+)?[ \t]*$/.exec(lines.line(line, 300)) ?? [];
    if (marks !== undefined && title !== undefined)
      headings.push({ line, height: 1, level: marks.length, title: title.trim() });
    else if (line + 1 < lines.count && !inside[line + 1] && underlines(lines, line + 1))
      headings.push({
        line,
        height: 2,
        level: LEVELS.indexOf(lines.line(line + 1, 1)) + 1,
        title: lines.line(line, 300).trim(),
      });
  }
  return headings;
}
