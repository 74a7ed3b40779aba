/** All output of the terminal program. Escape sequences from files, names, models and hubs are replaced. */
import { AppError, errorCode, printable, printableJson } from '../base';

/** Escape sequences that the renderers write: bold, dim, one colour, and links to files (OSC 8). */
const OWN_STYLE = /(\u001b\[(?:1|2|22|36|39)m|\u001b\]8;;(?:file:\/\/[!-~]*)?\u001b\\)/;

/** The text with only the renderers' own escape sequences; all others are replaced. */
export function terminalText(text: string): string {
  return text
    .split(OWN_STYLE)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('');
}

/** The reader of stdout has gone (`| head`): the command ends in silence, with everything stored. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/**
 * Lets a failed write end the command in order: streams report their failures as events too, and an event without a
 * listener ends the process at once. Messages on a closed stderr are dropped.
 */
export function expectClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/**
 * Writes a line to stdout and waits until it is flushed.
 * @throws OutputClosed when the reader has gone, AppError when the output cannot be written
 */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${terminalText(text)}\n`, (error) => {
      const code = errorCode(error);
      if (!error) resolve();
      else if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') reject(new OutputClosed());
      else reject(new AppError<'unwritable'>('unwritable', `The output cannot be written (${code ?? String(error)}).`));
    });
  });
}

/** Writes a value as JSON to stdout. */
export function writeJson(value: unknown, indent?: number): Promise<void> {
  return write(printableJson(value, indent));
}

/** Writes a piece of a text to stdout while it is generated. */
export function stream(text: string): void {
  process.stdout.write(terminalText(text));
}

/** Writes a line to stderr: progress, remarks and errors. */
export function note(text: string): void {
  process.stderr.write(`${terminalText(text)}\n`);
}
