/**
 * One small program per language and its expected definitions: kind, qualified name, lines, first doc line, exported.
 */
export interface Golden {
  language: string;
  text: string;
  symbols: readonly string[];
  imports: readonly string[];
}

/** Removes the first line break, so that a text can begin below its opening quote. */
export const trim = (text: string): string => text.replace(/^\n/, '');
