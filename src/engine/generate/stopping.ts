/**
 * Watches streamed text for strings that end it, also when they come in pieces, and holds back what may still become
 * one.
 */
export class StopStrings {
  private readonly strings: readonly string[];
  private held = '';
  private ended = false;

  constructor(strings: readonly string[]) {
    this.strings = strings.filter((text) => text !== '');
  }

  /** True once a stop string was seen; what follows it is not text. */
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

  /** What was held back and turned out not to be a stop string. */
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
