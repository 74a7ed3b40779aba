/**
 * Increase when the same text would be cut differently or other symbols would be found. Data stored under another
 * version is rebuilt.
 */
export const SEGMENTER_VERSION = 13;

/** Most definitions of one file that are known. `why` says so where a file has more. */
export const MAX_SYMBOLS = 20_000;

/** Maximum size of a segment, unless one line alone is longer. It is about 512 tokens of code. */
export const MAX_SEGMENT_LINES = 60;
export const MAX_SEGMENT_CHARACTERS = 2_000;

/**
 * Longer texts (in UTF-16 units) are cut by indentation, because a syntax tree takes about thirty times the text in
 * memory.
 */
export const MAX_SYNTAX_CHARACTERS = 1_000_000;

/** Texts with a longer average line are minified or data, and are cut by length alone. */
export const MAX_AVERAGE_LINE = 400;

/** Maximum milliseconds for one parse or one query over a tree. A text that takes longer is cut by indentation. */
export const PARSE_BUDGET_MS = 4_000;
