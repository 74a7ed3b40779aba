import { splitLines } from '../../base';

/** Shorter lines ("}", "return") are in every text. */
const LEAST_CHARACTERS = 8;
/** A text of fewer telling lines repeats nothing. */
const LEAST_LINES = 3;

/** The lines of a text that tell it from others. */
export type TellingLines = ReadonlySet<string>;

export function tellingLines(text: string): TellingLines {
  return new Set(
    splitLines(text)
      .map((line) => line.trim())
      .filter((line) => line.length >= LEAST_CHARACTERS),
  );
}

/** Whether a text has at least this share of its telling lines in common with another. */
export function repeats(lines: TellingLines, other: TellingLines, share: number): boolean {
  if (lines.size < LEAST_LINES) return false;
  let common = 0;
  for (const line of lines) if (other.has(line)) common++;
  return common >= share * lines.size;
}
