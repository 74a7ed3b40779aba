/** Markdown for the editor: Anchorage's links, and workspace text that must show no picture and no HTML. */
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

/** Escapes a name so that Markdown shows it literally. Line ends become spaces. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+\-.!|<>"~$&]/g, '\\$&');
}

/** An invisible character that breaks the syntax of a picture or HTML. */
const ZERO_WIDTH_SPACE = '\u200b';

/** Tags that doc comments use for layout. They are removed, because the editor shows no HTML anyway. */
const LAYOUT_TAGS =
  /<\/?(?:a|abbr|b|big|blockquote|br|center|code|dd|details|div|dl|dt|em|h[1-6]|hr|i|img|li|ol|p|para|pre|remarks|returns|see|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|tt|u|ul|var)(?:\s[^<>]*)?\/?>/gi;

/**
 * Makes workspace Markdown safe to render: it can show no picture and no HTML. In every Markdown dialect a picture
 * begins with `![`, and HTML with `<` and a letter, `/`, `!` or `?`. No such pair remains, not even in code, so no
 * escape, reference or fence can bring it back.
 */
export function withoutPicturesAndHtml(markdown: string): string {
  return markdown.replace(LAYOUT_TAGS, '').replace(/!(?=\[)|<(?=[a-z/!?])/gi, `$&${ZERO_WIDTH_SPACE}`);
}

/** Matches the beginning of a picture, HTML, math or a fence. The last two could hide the end of a code block. */
const BEGINS = /^(?:!\[|<[a-z/!?]|```|~~~|\$\$)/i;
/** Matches text at the end of a piece that the next piece may complete to one of those. */
const MAY_BEGIN = /[!<`~$]{1,2}$/;

/**
 * Makes a streamed answer safe to render. Code blocks stay unchanged, so that they can be copied. Only fences of
 * backticks at the beginning of a line make a code block. Other fences become plain text.
 */
export class SafeMarkdownStream {
  private held = '';
  private line = '';
  private onlyBackticks = true;
  /** Backticks of the open fence, or empty. */
  private fence = '';

  /** Returns the text that is safe to show. Its last characters may be held back until the next piece. */
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

/** Like SafeMarkdownStream, for a whole answer. */
export function safeAnswer(markdown: string): string {
  const stream = new SafeMarkdownStream();
  return stream.push(markdown) + stream.end();
}
