import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Result } from '../documents';

/** Results of earlier runs of the same code, by document and form. */
export class KeptResults {
  private constructor(
    private readonly file: string,
    private readonly code: string,
    private readonly results: Record<string, Result[]>,
  ) {}

  /** @param file JSON; results that other code has left in it are dropped */
  static open(file: string): KeptResults {
    // The bench is one bundle with all that it measures.
    const code = createHash('sha256')
      .update(readFileSync(fileURLToPath(import.meta.url)))
      .digest('hex');
    const stored = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as { code: string; results: Record<string, Result[]> })
      : undefined;
    return new KeptResults(file, code, stored?.code === code ? stored.results : {});
  }

  get(name: string): Result[] | undefined {
    return this.results[name];
  }

  keep(name: string, results: Result[]): void {
    this.results[name] = results;
    writeFileSync(this.file, JSON.stringify({ code: this.code, results: this.results }));
  }
}
