import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { encodeSegmented } from '../store/segmented-codec';
import type { Document, SegmentedDocument } from '../types';
import { createSegmenter, type Segmenter } from './segmenter';
import { findGrammars } from './syntax/parser';

export interface ThreadTask {
  id: number;
  document: Pick<Document, 'path' | 'language' | 'text'>;
}

export interface ThreadReply {
  id: number;
  segmented?: SegmentedDocument;
  /** Result of `encodeSegmented`, also computed in the thread. */
  encoded?: Uint8Array;
  error?: string;
}

export interface Segmented {
  segmented: SegmentedDocument;
  encoded: Uint8Array;
}

interface Waiting {
  task: ThreadTask;
  resolve: (result: Segmented) => void;
  reject: (error: Error) => void;
}

export interface PoolOptions {
  /** Threads for bulk work; 0 segments in this thread. */
  threads: number;
  /**
   * Path of the bundled thread.ts. Default: `segment-thread.js` beside the running bundle. Without it no threads
   * start.
   */
  script?: string;
  /** Directory of the grammars. */
  grammars?: string;
}

/** Texts in a thread: one in progress and one waiting, so that the thread never idles. */
const IN_FLIGHT = 2;
const IDLE_MS = 20_000;
const LONG_TEXT = 200_000;

declare const __dirname: string | undefined;

export function scriptDirectory(): string | undefined {
  return typeof __dirname === 'string' ? __dirname : undefined;
}

/**
 * Segments documents in worker threads during bulk work, and in this thread otherwise. Threads start with the first
 * bulk work and end when idle. Ending them also frees wasm memory that grew with the largest text.
 */
export class SegmenterPool {
  private readonly grammars: string;
  private readonly script: string | undefined;
  private readonly threads: Thread[] = [];
  private readonly waiting: Waiting[] = [];
  private local: Promise<Segmenter> | undefined;
  private localTurn: Promise<unknown> = Promise.resolve();
  private nextId = 1;
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    this.grammars = options.grammars ?? findGrammars(scriptDirectory());
    const script = options.script ?? join(scriptDirectory() ?? '.', 'segment-thread.js');
    this.script = options.threads > 0 && existsSync(script) ? script : undefined;
  }

  /** Number of texts that can be segmented concurrently. */
  get width(): number {
    return this.script === undefined ? 1 : this.options.threads * IN_FLIGHT;
  }

  /** Segments one saved file in this thread, at once. Long texts go to a thread, so that questions are not delayed. */
  segmentNow(document: ThreadTask['document']): Promise<Segmented> {
    if (document.text.length > LONG_TEXT && this.script !== undefined && !this.closed) return this.segment(document);
    return this.segmentHere(document);
  }

  private segmentHere(document: ThreadTask['document']): Promise<Segmented> {
    this.local ??= createSegmenter({ grammars: this.grammars });
    const { local } = this;
    const turn = this.localTurn.then(async () => {
      const segmented = await (await local).segment(document);
      return { segmented, encoded: encodeSegmented(segmented) };
    });
    this.localTurn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Segments in a thread if there is one. A thread that dies (out of memory) is replaced, and its text is segmented in
   * this thread.
   */
  segment(document: ThreadTask['document']): Promise<Segmented> {
    if (this.script === undefined || this.closed) return this.segmentHere(document);
    // Only the fields needed for segmenting are sent.
    const { path, language, text } = document;
    return new Promise((resolve, reject) => {
      this.waiting.push({ task: { id: this.nextId++, document: { path, language, text } }, resolve, reject });
      this.dispatch();
    });
  }

  private dispatch(): void {
    clearTimeout(this.idle);
    while (this.waiting.length > 0) {
      let thread = this.threads.reduce<Thread | undefined>(
        (least, t) => (!least || t.load < least.load ? t : least),
        undefined,
      );
      if ((!thread || thread.load > 0) && this.threads.length < this.options.threads) thread = this.start();
      if (!thread || thread.load >= IN_FLIGHT) return;
      const next = this.waiting.shift();
      if (next) thread.post(next);
    }
    if (this.threads.every((thread) => thread.load === 0)) {
      this.idle = setTimeout(() => this.stopThreads(), IDLE_MS);
      this.idle.unref();
    }
  }

  private start(): Thread {
    const thread: Thread = new Thread(
      this.script as string,
      this.grammars,
      () => this.dispatch(),
      (orphans) => {
        const at = this.threads.indexOf(thread);
        if (at >= 0) this.threads.splice(at, 1);
        for (const { task, resolve, reject } of orphans) this.segmentHere(task.document).then(resolve, reject);
        if (!this.closed) this.dispatch();
      },
    );
    this.threads.push(thread);
    return thread;
  }

  private stopThreads(): Promise<unknown> {
    return Promise.all(this.threads.splice(0).map((thread) => thread.stop()));
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    for (const { reject } of this.waiting.splice(0)) reject(new Error('The index was closed.'));
    await this.stopThreads();
    await this.localTurn;
    (await this.local)?.close();
  }
}

class Thread {
  private readonly worker: Worker;
  private readonly running = new Map<number, Waiting>();

  constructor(script: string, grammars: string, done: () => void, died: (orphans: Waiting[]) => void) {
    this.worker = new Worker(script, { workerData: { grammars }, resourceLimits: { maxOldGenerationSizeMb: 256 } });
    this.worker.unref();
    this.worker.on('message', (reply: ThreadReply) => {
      const waiting = this.running.get(reply.id);
      this.running.delete(reply.id);
      // A busy thread keeps the process alive; an idle one does not.
      if (this.running.size === 0) this.worker.unref();
      if (waiting) {
        if (reply.segmented && reply.encoded) waiting.resolve({ segmented: reply.segmented, encoded: reply.encoded });
        else waiting.reject(new Error(reply.error ?? 'segmenting failed'));
      }
      done();
    });
    const orphaned = (): void => {
      const orphans = [...this.running.values()];
      this.running.clear();
      died(orphans);
    };
    this.worker.on('error', () => undefined);
    this.worker.on('exit', orphaned);
  }

  get load(): number {
    return this.running.size;
  }

  post(waiting: Waiting): void {
    this.running.set(waiting.task.id, waiting);
    this.worker.ref();
    this.worker.postMessage(waiting.task);
  }

  stop(): Promise<unknown> {
    return this.worker.terminate();
  }
}
