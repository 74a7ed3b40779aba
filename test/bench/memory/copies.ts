/**
 * Returns files with this many characters in total: the given ones, and copies with marks that make each segment's
 * text unique.
 */
const MARKED_EVERY = 8;

export interface SourceFile {
  path: string;
  text: string;
}

export function copiesOf(texts: readonly SourceFile[], characters: number, longest = Infinity): SourceFile[] {
  const files: SourceFile[] = [];
  for (let left = characters, i = 0; left > 0; i++) {
    const round = Math.floor(i / texts.length);
    const source = texts[i % texts.length] as SourceFile;
    const text = marked(source.text.slice(0, Math.min(source.text.length, Math.ceil(left), longest)), round);
    files.push({ path: `copy${round}/${source.path}`, text });
    left -= text.length;
  }
  return files;
}

/** Adds a comment after every few lines, which is less than the length of a segment. */
export function marked(text: string, round: number): string {
  return round === 0
    ? text
    : text
        .split('\n')
        .map((line, n) => (n % MARKED_EVERY === 0 ? `${line} // ${round}` : line))
        .join('\n');
}
