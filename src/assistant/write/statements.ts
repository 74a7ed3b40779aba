/**
 * Cuts lines into statements: a sentence of prose, which may run over lines, or one statement of code. What a sentence
 * says must stand in one statement or two: of more lines words can be put together that do not belong together.
 */

/** Marks of comments, quotes and docstrings at the beginning of a line. */
const MARKS = /^\s*(?:(?:#+|\/{2,}|\/?\*+(?!\*)|--|;+|>+|"""|''')(?=\s|$)\s*)*/;
const ITEM = /^(?:[-*+•]|\d+[.)]|@\w+|:\w+[^:]*:)\s/;
/** A line that goes on: it ends in an open bracket or before the next item. */
const OPEN = /[,([{\\|&+]$/;
const CLOSING = /^[)\]}]/;
/** Words of prose in a row; code has signs between them. */
const PROSE = /(?:[\p{L}\d`'’"“”*_(]+[\p{L}\d`'’"“”*_).,;:-]*\s+){3}/u;
const CODE =
  /[;{}]$|=>|\w\(.*\)[;:]?$|^\s*(?:if|for|while|def|class|return|import|from|const|let|var)\b.*[:;(){}=]$| = /;

/** Whether a line goes on with the statement of the line before. */
export function continues(before: string, line: string): boolean {
  const [previous, next] = [before.replace(MARKS, '').trim(), line.replace(MARKS, '').trim()];
  if (previous === '' || next === '' || ITEM.test(next) || isTable(next)) return false;
  const isCode = CODE.test(previous) || CODE.test(next);
  if (OPEN.test(previous) || CLOSING.test(next)) return markOf(before) === markOf(line);
  return !isCode && markOf(before) === markOf(line) && PROSE.test(`${previous} `);
}

function markOf(line: string): string {
  return (MARKS.exec(line)?.[0] ?? '').replace(/\s|"""|'''/g, '');
}

const isTable = (line: string): boolean => /^\|| \| .*\|| \| .* \| /.test(line);
