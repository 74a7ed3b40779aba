import { Cuts } from './cuts';
import type { LineTable } from '../../base';

/** Lines that continue or close the lines above them, where no segment should begin. */
const CLOSES =
  /^(?:[)\]}>,;:?.|&]|end\b|else\b|elif\b|elsif\b|except\b|rescue\b|ensure\b|catch\b|finally\b|fi\b|done\b|esac\b|then\b|when\b|and\b|or\b|<\/|-->|\*)/;
const OPENS = /^\{/;
/** Comments, decorators and attributes stay with the line below them. */
const INTRODUCES =
  /^(?:\/\/|\/\*|\*|#(?!\s*(?:if|else|elif|endif|include|define|undef|pragma|region|endregion)\b)|--|;;|<!--|@\w|\[[A-Z]\w*|%)/;

const EMPTY_COMMENT = /^(?:\/\/[/!]?|\*|#+|--)\s*$/;

const NO_BLANK = 0.3;
const PER_LEVEL = 0.3;
const MAX_LEVELS = 6;

export function closes(text: string): boolean {
  return CLOSES.test(text);
}

export function introduces(text: string): boolean {
  return INTRODUCES.test(text);
}

/**
 * Returns cut costs from layout alone. A paragraph at the margin is a cheap place to cut. Each level of indentation
 * costs more. So does a line without a blank line above, below a comment or decorator, or that closes something.
 */
export function cutsByIndentation(lines: LineTable): Cuts {
  const cuts = new Cuts(lines.count, 0);
  const unit = indentUnit(lines);
  let aboveBlank = true;
  let aboveText = '';
  let aboveIndent = 0;
  for (let line = 0; line < lines.count; line++) {
    const indent = lines.indent(line);
    if (indent < 0) {
      // Blank lines end the segment above instead of beginning the one below.
      cuts.cut[line] = 2;
      aboveBlank = true;
      continue;
    }
    const ink = lines.firstInk(line);
    const text = lines.text.slice(ink, Math.min(ink + 40, lines.start(line + 1)));
    if (EMPTY_COMMENT.test(text)) {
      // The end of a paragraph inside a comment.
      cuts.cut[line] = 2;
      aboveBlank = true;
      continue;
    }
    cuts.cut[line] =
      costOfLine(text, Math.min(MAX_LEVELS, indent / unit), aboveBlank) +
      (!aboveBlank && introduces(aboveText) && aboveIndent === indent ? 1.5 : 0);
    aboveBlank = false;
    aboveText = text;
    aboveIndent = indent;
  }
  return cuts;
}

function costOfLine(text: string, level: number, blankAbove: boolean): number {
  return (
    level * PER_LEVEL +
    (blankAbove ? 0 : NO_BLANK) +
    (closes(text) && !text.startsWith('*') ? 1 : 0) +
    (OPENS.test(text) ? 1.5 : 0) +
    (text.startsWith('*') && !blankAbove ? 1 : 0)
  );
}

/** Returns the most frequent step of indentation; 4 where there is none. */
function indentUnit(lines: LineTable): number {
  const steps = new Map<number, number>();
  let above = 0;
  for (let line = 0; line < Math.min(lines.count, 2_000); line++) {
    const indent = lines.indent(line);
    if (indent < 0) continue;
    const step = indent - above;
    if (step > 0 && step <= 8) steps.set(step, (steps.get(step) ?? 0) + 1);
    above = indent;
  }
  let unit = 4;
  let most = 0;
  for (const [step, times] of steps) {
    if (times > most) {
      most = times;
      unit = step;
    }
  }
  return unit;
}

/** Returns cut costs for text almost without layout. Any line is a place to cut, preferably after a blank one. */
export function cutsByLength(lines: LineTable): Cuts {
  const cuts = new Cuts(lines.count, NO_BLANK);
  for (let line = 1; line < lines.count; line++) if (lines.isBlank(line - 1)) cuts.cut[line] = 0;
  return cuts;
}
