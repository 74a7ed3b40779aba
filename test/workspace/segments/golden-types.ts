/**
 * One small program per language and what must be found in it: kind, qualified name, lines, first doc line, exported.
 */
export interface Golden {
  language: string;
  text: string;
  symbols: readonly string[];
  imports: readonly string[];
}

/** A text written from the line below its opening quote. */
export const trim = (text: string): string => text.replace(/^\n/, '');
