import { printableName } from '../base';

/** A line on stderr that only ever goes forward; silent where nobody watches. */
export class Progress {
  private percent = -1;
  private drawn = false;

  /**
   * @param shown Whether to draw at all.
   * @param stream A terminal gets one line that is redrawn, anything else a line for each step of five percent.
   */
  constructor(
    readonly shown: boolean,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  /** @param fraction 0…1 */
  update(fraction: number, message: string): void {
    if (!this.shown) return;
    const step = this.stream.isTTY ? 1 : 5;
    const percent = Math.floor((Math.min(1, Math.max(0, fraction)) * 100) / step) * step;
    if (percent <= this.percent) return;
    this.percent = percent;
    this.drawn = true;
    const line = `${String(percent).padStart(3)}% ${printableName(message)}`;
    if (this.stream.isTTY) this.stream.write(`\r\u001b[K${line.slice(0, (this.stream.columns || 80) - 1)}`);
    else this.stream.write(`${line}\n`);
  }

  /** Clears the line; what comes next begins at nothing again. */
  done(): void {
    this.percent = -1;
    if (this.drawn && this.stream.isTTY) this.stream.write('\r\u001b[K');
    this.drawn = false;
  }
}
