/**
 * Marks between the pages of an extracted text. The PDF extractor writes them; whoever quotes may leave them out.
 *
 *     [page 12]
 */
export const pageMark = (number: number): string => `[page ${number}]`;

const MARK = /^\[page (\d{1,6})\]$/;

/** The page that begins with this line of a text. */
export function pageOfMark(line: string): number | undefined {
  const number = MARK.exec(line)?.[1];
  return number === undefined ? undefined : Number(number);
}
