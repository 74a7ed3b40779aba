import type { Span } from '../../protocol';

/** A link that runs a command on a span's lines, for Markdown. */
export function commandUri(command: string, { file, startLine, endLine }: Span): string {
  // Parentheses would end the link's address early.
  const args = encodeURIComponent(JSON.stringify([file, startLine, endLine])).replace(
    /[()']/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return `command:${command}?${args}`;
}

/** Text that Markdown shows as it is. Line ends become spaces: a name is one line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+\-.!|<>"~$&]/g, '\\$&');
}

/** Markdown of the workspace in which pictures are shown as their text: a hover fetches nothing. */
export function withoutPictures(markdown: string): string {
  return markdown.replace(/!(?=\[)/g, '\\!');
}
