import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ExtractionError, type ExtractionErrorCode, type Extraction, type ExtractionLimits } from './extractor';

export interface ExtractionTask {
  id: number;
  /** Id of the extractor. */
  type: string;
  bytes: Uint8Array;
  limits: ExtractionLimits;
}

export interface ExtractionReply {
  id: number;
  extraction?: Extraction;
  error?: { code: ExtractionErrorCode | undefined; message: string };
}

export interface ExtractionThreadOptions {
  /** The bundled thread.ts; default `extraction-thread.js` beside the running bundle. */
  script?: string;
  /** Longest extraction. A 300-page PDF takes about 8 s on a busy machine. */
  maxMs?: number;
  /** Heap of the thread, beside the document's bytes. */
  maxMegabytes?: number;
}

const MAX_MS = 120_000;
const MAX_MEGABYTES = 768;
const IDLE_MS = 20_000;

declare const __dirname: string | undefined;

/**
 * Extracts documents in a thread, one at a time. So they never delay a question, and a bad document can only end this
 * thread. The thread starts with the first document and ends when idle.
 */
export class ExtractionThread {
  private readonly script: string;
  private worker: Worker | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private nextId = 1;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly options: ExtractionThreadOptions = {}) {
    const directory = typeof __dirname === 'string' ? __dirname : '.';
    this.script = options.script ?? join(directory, 'extraction-thread.js');
  }

  /** @throws ExtractionError, Error when the thread cannot run */
  extract(type: string, bytes: Uint8Array, limits: ExtractionLimits): Promise<Extraction> {
    const turn = this.turn.then(() => this.extractNow({ id: this.nextId++, type, bytes, limits }));
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  private async extractNow(task: ExtractionTask): Promise<Extraction> {
    if (!existsSync(this.script)) return extractHere(task);
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.start());
    worker.ref();
    try {
      return await this.ask(worker, task);
    } finally {
      worker.unref();
      this.idle = setTimeout(() => void this.stop(), IDLE_MS);
      this.idle.unref();
    }
  }

  private ask(worker: Worker, task: ExtractionTask): Promise<Extraction> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        worker.off('message', answered).off('error', failed).off('exit', ended);
      };
      const fail = (error: Error): void => {
        end();
        // It may still be at work on this document.
        void this.stop();
        reject(error);
      };
      const maxMs = this.options.maxMs ?? MAX_MS;
      const timer = setTimeout(
        () => fail(new ExtractionError('slow', `takes more than ${Math.ceil(maxMs / 1_000)} seconds to read`)),
        maxMs,
      );
      const answered = ({ extraction, error }: ExtractionReply): void => {
        end();
        if (extraction) resolve(extraction);
        else if (error?.code) reject(new ExtractionError(error.code, error.message));
        else reject(new ExtractionError('malformed', `cannot be read (${error?.message ?? 'no reason given'})`));
      };
      const failed = (error: NodeJS.ErrnoException): void =>
        fail(
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? new ExtractionError('tooLarge', 'needs too much memory to be read', { cause: error })
            : error,
        );
      const ended = (): void => fail(new Error('The extraction thread ended.'));
      worker.on('message', answered).on('error', failed).on('exit', ended);
      const { buffer, byteOffset, byteLength } = task.bytes;
      // The caller keeps its bytes: those of small files lie in a buffer that others share.
      const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
      worker.postMessage({ ...task, bytes }, [bytes.buffer]);
    });
  }

  private start(): Worker {
    const worker = new Worker(this.script, {
      resourceLimits: { maxOldGenerationSizeMb: this.options.maxMegabytes ?? MAX_MEGABYTES },
    });
    worker.unref();
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.worker === worker) this.worker = undefined;
    });
    return worker;
  }

  private async stop(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  async close(): Promise<void> {
    clearTimeout(this.idle);
    await this.stop();
    await this.turn;
  }
}

/** Where there is no bundle, as in unit tests. */
async function extractHere({ type, bytes, limits }: ExtractionTask): Promise<Extraction> {
  const { EXTRACT } = await import('./extraction-work');
  const extract = EXTRACT[type];
  if (!extract) throw new Error(`No extractor reads ${type}.`);
  return extract(bytes, limits);
}
