import type { Session } from '../app';

/** Longest wait (ms) for the first pass over a workspace. Answers then say how much is indexed. */
const FIRST_PASS = 25_000;
/** Longest wait (ms) for a later pass, which finds changes since. */
const LATER_PASS = 2_000;

/** Passes over the workspace for clients without file events. Requests that come together share a pass. */
export class Refresher {
  private pass: Promise<void> | undefined;
  /** The pass after the current one. */
  private next: Promise<void> | undefined;
  private hasRun = false;

  constructor(private readonly failed: (error: unknown) => void) {}

  /** Begins a pass; with `wait` resolves at its end, after a while, or when the signal aborts. */
  async refresh(session: Session, wait: boolean, signal: AbortSignal): Promise<void> {
    // The user holds indexing: questions take the index as it is.
    if (session.status().held) return;
    const limit = this.hasRun ? LATER_PASS : FIRST_PASS;
    const pass = this.begin(session);
    if (wait) await within(limit, pass, signal);
  }

  /**
   * A pass that runs may be past a file that has changed since, so the request joins the next one. The first pass takes
   * long, and a search asks for its files during it.
   */
  private begin(session: Session): Promise<void> {
    if (!this.pass) return (this.pass = this.run(session));
    if (!this.hasRun) return this.pass;
    this.next ??= this.pass.then(() => {
      this.next = undefined;
      return (this.pass ??= this.run(session));
    });
    return this.next;
  }

  private async run(session: Session): Promise<void> {
    try {
      await session.index();
      this.hasRun = true;
    } catch (error) {
      this.failed(error);
    } finally {
      this.pass = undefined;
    }
  }
}

async function within(milliseconds: number, work: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stop = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([work, late]);
  signal.removeEventListener('abort', stop);
  stop();
}
