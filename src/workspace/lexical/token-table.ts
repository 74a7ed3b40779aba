import { tokenTerms } from './terms';
import { WRITTEN_LANGUAGES, type WrittenLanguage } from './written-language';

/**
 * Maps each token to the ids of its terms, for the indexer. Source text repeats the same few thousand tokens. Each is
 * analysed once and later found by the scanner's hash, without a substring. Ids are dense and belong to one delta.
 */
export class TokenTable {
  readonly terms: string[] = [];
  private readonly ids = new Map<string, number>();
  /** Open addressing: slot → index into `tokens`, or −1. */
  private slots = new Int32Array(1 << 12).fill(-1);
  private readonly tokens: string[] = [];
  private hashes = new Int32Array(1 << 11);
  private readonly tokenTermIds: Int32Array[] = [];
  /** Estimated bytes of the stored strings. */
  bytes = 0;

  id(term: string): number {
    let id = this.ids.get(term);
    if (id === undefined) {
      id = this.terms.length;
      const own = unshare(term);
      this.terms.push(own);
      this.ids.set(own, id);
      this.bytes += 64 + 2 * own.length;
    }
    return id;
  }

  find(term: string): number | undefined {
    return this.ids.get(term);
  }

  /**
   * Returns the term ids of text[start, end), whose scanner hash is `scanned`. A token has terms for each language that
   * it stands in.
   */
  lookup(text: string, start: number, end: number, scanned: number, language: WrittenLanguage = 'en'): Int32Array {
    const hash = language === 'en' ? scanned : scanned ^ Math.imul(WRITTEN_LANGUAGES.indexOf(language), 0x9e3779b1);
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const index = this.slots[slot] as number;
      if (index < 0) break;
      if (this.hashes[index] === hash) {
        const token = this.tokens[index] as string;
        if (token.length === end - start && text.startsWith(token, start))
          return this.tokenTermIds[index] as Int32Array;
      }
      slot = (slot + 1) & mask;
    }
    return this.insert(unshare(text.slice(start, end)), hash, slot, language);
  }

  private insert(token: string, hash: number, slot: number, language: WrittenLanguage): Int32Array {
    const ids = Int32Array.from(tokenTerms(token, language), (term) => this.id(term));
    const index = this.tokens.push(token) - 1;
    this.tokenTermIds.push(ids);
    if (index >= this.hashes.length) {
      const grown = new Int32Array(this.hashes.length * 2);
      grown.set(this.hashes);
      this.hashes = grown;
    }
    this.hashes[index] = hash;
    this.slots[slot] = index;
    this.bytes += 160 + token.length + 4 * ids.length;
    if (this.tokens.length * 2 > this.slots.length) this.rehash();
    return ids;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < this.tokens.length; index++) {
      const hash = this.hashes[index] as number;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.slots = slots;
  }
}

/** Copies a substring. V8 keeps the whole parent text alive behind a slice of 13 characters or more. */
function unshare(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le');
}
