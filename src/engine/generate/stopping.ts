/**
 * Finds strings that end a streamed text, also when they come in pieces. Text that may still become one is held back.
 */
export class StopStrings {
  private readonly strings: readonly string[];
  private held = '';
  private ended = false;

  constructor(strings: readonly string[]) {
    this.strings = strings.filter((text) => text !== '');
  }

  /** True once a stop string was seen. Later text is not part of the result. */
  get stopped(): boolean {
    return this.ended;
  }

  /** The text that can be shown now: everything before a stop string, without what may be the beginning of one. */
  push(text: string): string {
    if (this.ended) return '';
    const all = this.held + text;
    const found = this.strings.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.ended = true;
      this.held = '';
      return all.slice(0, Math.min(...found));
    }
    const keep = Math.max(0, ...this.strings.map((stop) => overlap(all, stop)));
    this.held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  /** Held-back text that turned out not to be a stop string. */
  end(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
