import type { LexicalIndex } from '../lexical/lexical-index';
import { LexicalStoreError } from '../lexical/types';
import type { Catalogue } from '../store/catalogue';

/** Bytes of terms in memory at which a pack is written. */
const FLUSH_BYTES = 48 << 20;
/** Number of files between two writes of the catalogue. */
const CATALOGUE_BATCH = 128;

/**
 * Writes the catalogue and the lexical index. A full or failing disk is recorded as a failure for the status. The
 * records then stay in memory until the next change writes them.
 */
export class IndexWriter {
  /** The last failure to write the lexical index. Cleared by a successful write. */
  lexicalFailure: LexicalStoreError | undefined;
  private sinceFlush = 0;

  constructor(
    private readonly stores: {
      catalogue: Catalogue;
      lexical: LexicalIndex;
      /** False once another process has taken the store over. */
      ownsStore: () => boolean;
    },
  ) {}

  /** Called after each file of a pass. Writes every 128 files, and when the terms in memory reach 48 MB. */
  async fileDone(signal: AbortSignal): Promise<void> {
    if (++this.sinceFlush < CATALOGUE_BATCH) return;
    this.sinceFlush = 0;
    const { catalogue, lexical } = this.stores;
    if (!this.mayWrite()) return;
    await catalogue.flush();
    if (lexical.pendingBytes > FLUSH_BYTES) await this.flushLexical(signal);
  }

  /**
   * Writes everything, then merges packs and compacts the catalogue. Resolves to whether everything is on the disk.
   */
  async write(signal?: AbortSignal): Promise<boolean> {
    const { catalogue } = this.stores;
    if (!this.mayWrite()) return false;
    await catalogue.flush();
    const flushed = await this.flushLexical(signal);
    if (flushed && !signal?.aborted) await this.merge(signal);
    await catalogue.compact();
    return flushed && catalogue.failure === undefined;
  }

  private mayWrite(): boolean {
    if (this.stores.ownsStore()) return true;
    this.stores.catalogue.detach();
    return false;
  }

  private async flushLexical(signal?: AbortSignal): Promise<boolean> {
    try {
      await this.stores.lexical.flush(signal);
      this.lexicalFailure = undefined;
      return true;
    } catch (error) {
      this.keep(error, signal);
      return false;
    }
  }

  private async merge(signal?: AbortSignal): Promise<void> {
    try {
      while (await this.stores.lexical.merge(signal)) signal?.throwIfAborted();
    } catch (error) {
      this.keep(error, signal);
    }
  }

  private keep(error: unknown, signal: AbortSignal | undefined): void {
    if (signal?.aborted || !(error instanceof LexicalStoreError)) throw error;
    this.lexicalFailure = error;
  }
}
