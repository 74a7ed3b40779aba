/** Heads of files about their licence, which answer no question but those about licences. */
import { isBlank, textOfLines } from '../../base';
import { isLicence } from '../../search';
import type { Run } from './key-lines';

const ASKS = /\blicen[sc]|\bcopyright|\bwarrant|\bpermission|\bredistribut|\blizenz|\blicence|许可|ライセンス|лиценз/i;
const FILE = /(?:^|\/)(?:un)?(?:licen[sc]es?|copying|notice|copyright)(?:[._-][\w.-]*)?$/i;
const COMMENT = /^\s*(?:\/\/|\/?\*|#(?!include|define|if|pragma|\[)|--|;|%|"{3}|<!--|\(\*|dnl\b|rem\b)/i;
/** A licence is told within so many lines of its first one, and what is left of a passage has more lines than this. */
const HEAD = 60;
const LEAST_LEFT = 2;

/** The lines behind the licence that a passage begins with. Undefined when nothing is left that tells something. */
export function behindLicence(
  question: string,
  path: string,
  lines: readonly string[],
  { startLine, endLine }: Run,
): Run | undefined {
  if (ASKS.test(question)) return { startLine, endLine };
  if (FILE.test(path)) return undefined;
  let last = startLine;
  const isHead = (line: number): boolean => COMMENT.test(lines[line - 1] ?? '') || isBlank(lines[line - 1] ?? '');
  while (last <= endLine && last < startLine + HEAD && isHead(last)) last++;
  if (last === startLine || !isLicence(textOfLines(lines, startLine, last - 1))) return { startLine, endLine };
  const left = lines.slice(last - 1, endLine).filter((line) => !isBlank(line));
  return left.length > LEAST_LEFT ? { startLine: last, endLine } : undefined;
}
