/**
 * Cuts code into sites: a few lines that answer one form of question by themselves. An error with the branch that leads
 * to it, a value with its comment, a comment that gives a reason.
 */
import { indentOf, isBlank } from '../../base';
import { commentLines } from '../../workspace';
import { givesReason } from '../query/reasons';
import { givesNumber } from '../query/values';

export type SiteForm = 'outcome' | 'value' | 'why';

/** Lines are 1-based and inclusive. */
export interface Site {
  startLine: number;
  endLine: number;
}

export interface CutRequest {
  /** Only values with a number are wanted. */
  isQuantity?: boolean;
  lines: readonly string[];
  startLine: number;
  endLine: number;
  language: string;
}

export function cutSites(form: SiteForm, request: CutRequest): Site[] {
  const code = new CodeLines(request);
  if (form === 'outcome') return outcomes(code);
  return form === 'value' ? values(code, request.isQuantity ?? false) : reasons(code);
}

/** Lines between a branch and the error in it, and lines of a statement or a comment that are quoted. */
const BRANCH_LINES = 6;
const STATEMENT_LINES = 4;
const COMMENT_LINES = 12;

/** Lines of a segment, with their comments. */
class CodeLines {
  private readonly lines: readonly string[];
  private readonly comments: readonly boolean[];
  readonly first: number;
  readonly last: number;

  constructor({ lines, startLine, endLine, language }: CutRequest) {
    this.lines = lines;
    this.first = startLine;
    this.last = Math.min(endLine, lines.length);
    this.comments = commentLines(lines, startLine, this.last, language);
  }

  text(line: number): string {
    return this.lines[line - 1] ?? '';
  }

  joined(first: number, last: number): string {
    return this.lines.slice(first - 1, last).join(' ');
  }

  isComment(line: number): boolean {
    return this.comments[line - this.first] ?? false;
  }

  isCode(line: number): boolean {
    return !this.isComment(line) && !isBlank(this.text(line));
  }

  /** First line of the comment directly above, or the line itself. */
  withComment(line: number): number {
    let first = line;
    while (first > this.first && this.isComment(first - 1) && line - first < COMMENT_LINES) first--;
    return first;
  }

  /** Last line of the statement that begins in the line: its brackets are closed. */
  endOfStatement(line: number): number {
    let open = 0;
    for (let at = line; at < line + STATEMENT_LINES && at <= this.last; at++) {
      open += balanceOf(this.text(at));
      if (open <= 0) return at;
    }
    return line;
  }
}

const RAISES =
  /\b(?:throw|raise|panic!?|abort|fatal|die|bail!|ensure!|reject(?:Value|ed)?|unreachable!|croak|signal)\b|\b(?:errors?\.New|Errorf|Err|[Ee]rror\w*|\w*(?:Error|Exception))\s*[({"'`]|\w*_error\w*\s*\(|\blog\w*[.(]\w*\b(?:warn|error|fatal)|\.(?:[Ww]arn|[Ee]rror|[Ff]atal)\w*\(|\bfprintf\s*\(\s*stderr|\bconsole\.(?:warn|error)|\bsys\.exit|\bexit\s*\(|\bwarnings?\.warn|\bdie\s*\(|\b(?:StatusCode|status|http_?error)\w*\s*[=(:]\s*[45]\d\d/;

const HAS_TEXT = /["'`“].*\p{L}{3}.*["'`”]/u;

const BRANCH =
  /^\s*(?:\}\s*)?(?:el(?:se\s*)?if|if|unless|else|except|catch|rescue|case|when|default|switch|match|guard|on\s|while|elsif|elif)\b/;

function outcomes(code: CodeLines): Site[] {
  const found: Site[] = [];
  for (let line = code.first; line <= code.last; line++) {
    if (!code.isCode(line) || !RAISES.test(code.text(line))) continue;
    const endLine = code.endOfStatement(line);
    if (!HAS_TEXT.test(code.joined(line, endLine))) continue;
    const startLine = branchOf(code, line);
    const last = found.at(-1);
    if (last && last.startLine === startLine && endLine - startLine <= BRANCH_LINES) last.endLine = endLine;
    else found.push({ startLine, endLine });
  }
  return found;
}

/** The nearest branch above a line that the line is in, with its comment; the line itself if there is none. */
function branchOf(code: CodeLines, line: number): number {
  const own = indentOf(code.text(line));
  if (BRANCH.test(code.text(line))) return line;
  for (let at = line - 1; at >= Math.max(code.first, line - BRANCH_LINES); at--) {
    if (!code.isCode(at)) continue;
    const indent = indentOf(code.text(at));
    if (indent < own)
      return BRANCH.test(code.text(at)) || /\?\s*$|=>\s*\{?$/.test(code.text(at)) ? commentOf(code, at) : line;
  }
  return line;
}

/** A comment of a few lines above a branch says what it is about. */
function commentOf(code: CodeLines, line: number): number {
  const first = code.withComment(line);
  return line - first <= STATEMENT_LINES ? first : line;
}

const ASSIGNS =
  /(?<![=!<>])[:=](?![=])\s*\S|\bdefault|\breturn\b|\?\?|\|\||\b(?:const|define|final|static|val|let|var)\b|\(\s*["'][\w.-]+["']\s*,/i;
const SAYS_DEFAULT =
  /\bdefaults?\b|\bstandard\b|\bunless\b|\bmax(?:imum)?\b|\bmin(?:imum)?\b|\blimit\b|\bat (?:most|least)\b/i;
const LITERAL = /(?:^|[\s=:(,[|?])(?:-?\d[\w.]*|["'`][^"'`]+["'`]|true|false)(?=[\s;,)\]}*<]|$)/i;
const NUMERIC = /(?:^|[\s=:(,[|?"'`])-?\d[\w.]*(?=[\s;,)\]}*<"'`]|$)/;

/** Assignments of literals with their comments, and comments that state a default, a limit or a number. */
function values(code: CodeLines, isQuantity: boolean): Site[] {
  const found: Site[] = [];
  for (let line = code.first; line <= code.last; line++) {
    const isComment = code.isComment(line);
    const first = line;
    while (isComment && line < code.last && code.isComment(line + 1)) line++;
    const startLine = isComment ? first : line;
    const below = isComment ? line + 1 : line;
    const assigns =
      below <= code.last &&
      code.isCode(below) &&
      ASSIGNS.test(code.text(below)) &&
      !RAISES.test(code.text(below)) &&
      (isQuantity ? NUMERIC : LITERAL).test(code.text(below)) &&
      !beginsImport(code.text(below));
    const said = isComment ? code.joined(first, line) : '';
    const states = isComment && (givesNumber(said) || (!isQuantity && SAYS_DEFAULT.test(said) && /[`'"]/.test(said)));
    if (!(assigns || states) || line - first > COMMENT_LINES || isLicence(said)) continue;
    const endLine = below <= code.last && code.isCode(below) ? code.endOfStatement(below) : line;
    found.push({ startLine, endLine });
    if (isComment && assigns) line = below;
  }
  return found;
}

const beginsImport = (text: string): boolean => /^\s*(?:import|from|#include|use|package|using)\b/.test(text);

/** Comments that give a reason, with the line below them. */
function reasons(code: CodeLines): Site[] {
  const found: Site[] = [];
  for (let line = code.first; line <= code.last; line++) {
    if (!code.isComment(line)) {
      // A comment behind code.
      if (/\s(?:\/\/|#)\s/.test(code.text(line)) && givesReason(code.text(line).replace(/^.*?\s(?:\/\/|#)\s/, '')))
        found.push({ startLine: line, endLine: line });
      continue;
    }
    const first = line;
    while (line < code.last && code.isComment(line + 1)) line++;
    const said = code.joined(first, line);
    if (line - first <= 2 * COMMENT_LINES && givesReason(said) && !isLicence(said))
      found.push({ startLine: first, endLine: Math.min(code.last, line + 1) });
  }
  return found;
}

const LICENCE =
  /\bcopyright\b|\blicen[sc]e[ds]?\b.*\b(?:you may|terms|conditions|permission)\b|\bwarrant(?:y|ies)\b|\bSPDX-/i;

/** Whether a text is the head of a file about its licence, or a part of it. */
export const isLicence = (text: string): boolean => LICENCE.test(text.replace(/\s+/g, ' '));

function balanceOf(text: string): number {
  let open = 0;
  for (const character of text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')) {
    if ('(['.includes(character)) open += 1;
    else if (')]'.includes(character)) open -= 1;
  }
  return open;
}
