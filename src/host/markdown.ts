/** Markdown that the editor renders: our own links, and text of the workspace that must show no picture and no HTML. */
import type { Span } from '../protocol';

/** A link that runs a command on the lines of a span. */
export function commandUri(command: string, { file, startLine, endLine }: Span): string {
  // Parentheses would end the address of the link early.
  const args = encodeURIComponent(JSON.stringify([file, startLine, endLine])).replace(
    /[()']/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return `command:${command}?${args}`;
}

/** Escapes text so that Markdown shows it as it is. Line ends become spaces, because a name is one line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+\-.!|<>"~$&]/g, '\\$&');
}

/** Has no width. Between the characters that begin a picture or HTML it ends the syntax. */
const ZERO_WIDTH_SPACE = '\u200b';

/** Tags that doc comments use for layout. They are removed, because the editor shows no HTML anyway. */
const LAYOUT_TAGS =
  /<\/?(?:a|abbr|b|big|blockquote|br|center|code|dd|details|div|dl|dt|em|h[1-6]|hr|i|img|li|ol|p|para|pre|remarks|returns|see|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|tt|u|ul|var)(?:\s[^<>]*)?\/?>/gi;

/**
 * Makes Markdown of the workspace safe to render: it can show no picture and no HTML. In every Markdown dialect a
 * picture begins with `![`, and HTML with `<` and a letter, `/`, `!` or `?`. Neither pair is left anywhere, code
 * included, so no escape, reference or fence before it can bring it back.
 */
export function withoutPicturesAndHtml(markdown: string): string {
  return markdown.replace(LAYOUT_TAGS, '').replace(/!(?=\[)|<(?=[a-z/!?])/gi, `$&${ZERO_WIDTH_SPACE}`);
}

/** Characters that begin a picture, HTML, math or a fence; the last two could hide where a code block ends. */
const BEGINS = /^(?:!\[|<[a-z/!?]|```|~~~|\$\$)/i;
/** Text at the end of a piece that may become one of those. */
const MAY_BEGIN = /[!<`~$]{1,2}$/;

/**
 * Makes an answer that arrives in pieces safe to render, and leaves code blocks as they are, so that they can be
 * copied. Only fences of backticks at the beginning of a line make a code block; all others are made plain text.
 */
export class SafeMarkdownStream {
  private held = '';
  private line = '';
  private onlyBackticks = true;
  /** Backticks of the open fence, or empty. */
  private fence = '';

  /** Returns what can be shown now. The last characters are held until it is clear what they begin. */
  push(piece: string): string {
    const text = this.held + piece;
    this.held = MAY_BEGIN.exec(text)?.[0] ?? '';
    return this.take(text, text.length - this.held.length);
  }

  /** Returns the rest. */
  end(): string {
    const text = this.held;
    this.held = '';
    return this.take(text, text.length);
  }

  private take(text: string, length: number): string {
    let shown = '';
    for (let at = 0; at < length; at++) {
      const character = text[at] as string;
      shown += character;
      if (character === '\n') {
        this.endLine();
        continue;
      }
      this.line += character;
      this.onlyBackticks &&= character === '`';
      if (this.fence === '' && !this.onlyBackticks && BEGINS.test(text.slice(at, at + 3))) shown += ZERO_WIDTH_SPACE;
    }
    return shown;
  }

  private endLine(): void {
    if (this.fence === '') this.fence = /^(`{3,})[^`]*$/.exec(this.line)?.[1] ?? '';
    else if (this.line.startsWith(this.fence) && /^`+\s*$/.test(this.line)) this.fence = '';
    this.line = '';
    this.onlyBackticks = true;
  }
}

/** The same for a whole answer. */
export function safeAnswer(markdown: string): string {
  const stream = new SafeMarkdownStream();
  return stream.push(markdown) + stream.end();
}
