import { printableName } from '../base';

/** A line of progress on stderr that never goes backward. */
export class Progress {
  private percent = -1;
  private drawn = false;

  /**
   * @param shown false draws nothing
   * @param stream a terminal gets one line that is redrawn, anything else a line for each five percent
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

  /** Clears the line. The next update starts from zero. */
  done(): void {
    this.percent = -1;
    if (this.drawn && this.stream.isTTY) this.stream.write('\r\u001b[K');
    this.drawn = false;
  }
}
