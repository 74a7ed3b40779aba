/**
 * Changes whenever the same text would be cut differently or other symbols would be found: what was stored under
 * another version is rebuilt, never mixed (docs/architecture.md, "The walk").
 */
export const SEGMENTER_VERSION = 6;

/** A segment is at most this long, unless one line alone is longer: about 512 tokens of code. */
export const MAX_SEGMENT_LINES = 60;
export const MAX_SEGMENT_CHARACTERS = 2_000;

/**
 * Texts beyond this many UTF-16 units are cut by indentation: a syntax tree takes some thirty times the text in memory.
 */
export const MAX_SYNTAX_CHARACTERS = 1_000_000;

/** Texts whose average line is longer are minified or data: cut by length alone. */
export const MAX_AVERAGE_LINE = 400;

/** Milliseconds one parse or one query over a tree may take before the text is cut by indentation instead. */
export const PARSE_BUDGET_MS = 4_000;
