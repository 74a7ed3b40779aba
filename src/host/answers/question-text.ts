/** Questions made of text that is not a question: a problem's message, or output of the terminal. */

const MOST_CHARACTERS = 600;
/** Longer text is no name that the message is about. */
const MOST_NAME = 60;

/** The message of a problem, with the code that it marks unless the message quotes it. */
export function problemQuestion(message: string, marked: string): string {
  const text = condensed(message);
  const name = condensed(marked);
  return name === '' || name.length > MOST_NAME || text.includes(name) ? text : `${text} (${name})`;
}

/**
 * The text in one line. Of a long text the start and the end stay, because a stack trace names its error at either of
 * them.
 */
export function condensed(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= MOST_CHARACTERS) return line;
  const half = MOST_CHARACTERS / 2;
  return `${line.slice(0, half).trimEnd()} … ${line.slice(-half).trimStart()}`;
}
