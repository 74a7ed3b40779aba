/** Damaged files of the stores, each read by its own reader: what is read equals what was written, or is absent. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIndexReport } from '../../src/app';
import { ExplanationCache } from '../../src/assistant/explanation/explanation-cache';
import { MemoryStore } from '../../src/memory';
import { LexicalIndex } from '../../src/workspace/lexical/lexical-index';
import { LexicalStoreError } from '../../src/workspace/lexical/types';
import { Catalogue, type CatalogueEntry, LOG_FILE } from '../../src/workspace/store/catalogue';
import { memoryOf } from '../memory/byte-coder';
import { makeDocument } from '../workspace/lexical/fixture';
import { mutateBytes } from './checkpoints';
import { type Attacked, pick, type Random, scratchFolder } from './drive';

const TEXTS = Array.from({ length: 8 }, (_, i) => ({
  path: `src/part${i}.py`,
  text: `# about alpha ${i}\ndef run${i}(value):\n    return alpha${i % 3} + ${i}\n\n\ndef stop${i}():\n    pass\n`,
}));

interface Reader {
  name: string;
  /** Writes the files to a folder. */
  write(folder: string): Promise<void>;
  /** Reads the damaged files. @throws Error when anything read differs from what was written */
  read(folder: string): Promise<void>;
}

const differs = (what: string): never => {
  throw new Error(`${what} differs from what was written`);
};
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const documents = TEXTS.map(({ path, text }) => makeDocument(path, text));
const entries = documents.map(({ document: { path, hash, language, text }, segmented }): CatalogueEntry => ({
  path,
  size: text.length,
  mtimeMs: 1_000,
  hash,
  language,
  segments: segmented.segments.length,
  characters: text.length,
}));

const catalogue: Reader = {
  name: 'documents.log',
  async write(folder) {
    const made = Catalogue.open(folder);
    documents.forEach(({ segmented }, i) => made.put(entries[i] as CatalogueEntry, segmented));
    await made.flush(true);
  },
  read(folder) {
    const opened = Catalogue.open(folder);
    for (const entry of opened.entries.values()) {
      const i = entries.findIndex(({ path }) => path === entry.path);
      if (!same(entry, entries[i])) differs(entry.path);
      const segmented = opened.segmented(entry.hash, entry.language);
      if (segmented && !same(segmented.segments, documents[i]?.segmented.segments))
        differs(`segments of ${entry.path}`);
    }
    return Promise.resolve();
  },
};

const WEIGHTS = { k1: 1.2, b: 0.75, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 3 };
const OPTIONS = { documents: WEIGHTS, segments: WEIGHTS, limit: 100, segmentsPerDocument: 100 };
const TERMS = ['alpha', 'run3', 'stop', 'return', 'missing'];

function found(index: LexicalIndex): unknown {
  return TERMS.map((term) =>
    index
      .search([{ term, weight: 1 }], OPTIONS)
      .documents.map(({ path, score }) => `${path} ${score.toFixed(4)}`)
      .sort(),
  );
}

let expected: unknown;
const lexical: Reader = {
  name: 'lexical packs and manifest',
  async write(folder) {
    const { index } = await LexicalIndex.open(folder);
    for (const { document, segmented } of documents) index.add(document.path, document, segmented);
    await index.flush();
    expected = found(index);
    await index.close();
  },
  async read(folder) {
    const { index } = await LexicalIndex.open(folder);
    try {
      // An index that has lost documents says so; one that has all of them gives the same results.
      const answer = found(index);
      const whole = documents.every(({ document: { path, hash } }) => index.has(path, hash));
      if (whole && !same(answer, expected)) differs('a result');
    } catch (error) {
      if (!(error instanceof LexicalStoreError)) throw error;
    } finally {
      await index.close();
    }
  },
};

const KEYS = TEXTS.map((_, i) => String(i).padStart(32, '0'));
const VERSION = 'test';
const memories: Reader = {
  name: 'memory packs',
  async write(folder) {
    const store = await MemoryStore.open({ directory: folder, budgetBytes: 1e9, version: VERSION });
    for (const [i, { text }] of TEXTS.entries()) {
      const { tokens, coarseRows: coarse, restRows: rest, bytesPerRow, ...payload } = memoryOf(text);
      await store.put(KEYS[i] as string, tokens, { coarse, rest, bytesPerRow }, payload);
    }
    await store.close();
  },
  async read(folder) {
    const store = await MemoryStore.open({ directory: folder, budgetBytes: 1e9, version: VERSION });
    try {
      for (const [i, { text }] of TEXTS.entries())
        for (const part of ['ids', 'coarse', 'rest'] as const) {
          const bytes = await store[part](KEYS[i] as string);
          if (bytes && !Buffer.from(bytes).equals(Buffer.from(memoryOf(text)[part]))) differs(`${part} ${i}`);
        }
    } finally {
      await store.close();
    }
  },
};

const explanation = { markdown: 'Keeps alpha.', cached: false } as never;
const explanations: Reader = {
  name: 'explanations',
  write: (folder) => new ExplanationCache(folder).set(KEYS[1] as string, explanation),
  async read(folder) {
    const got = await new ExplanationCache(folder).get(KEYS[1] as string);
    if (got && !same({ ...got, cached: false }, explanation)) differs('the explanation');
  },
};

const report: Reader = {
  name: 'last-index.json',
  write(folder) {
    const text = JSON.stringify({ filesKnown: 3, problems: [], skipped: [], finishedAt: 1 });
    writeFileSync(join(folder, 'last-index.json'), text);
    return Promise.resolve();
  },
  async read(folder) {
    await readIndexReport(folder);
  },
};

const READERS = [catalogue, lexical, memories, explanations, report];

/** Damaged files of all stores, in turn. */
export const storeFiles: Attacked = {
  name: 'files of the stores',
  isRefusal: () => false,
  async open() {
    const folder = await scratchFolder();
    const intact: { reader: Reader; files: { name: string; bytes: Buffer }[]; at: string }[] = [];
    for (const reader of READERS) {
      const at = join(folder.path, reader.name.replaceAll(' ', '-'));
      mkdirSync(at);
      await reader.write(at);
      const files = readdirSync(at, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((name) => ({ name, bytes: readFileSync(name) }));
      intact.push({ reader, files, at });
    }
    return {
      async read(random) {
        const { reader, files, at } = pick(random, intact);
        for (const name of readdirSync(at)) if (name === LOG_FILE) writeFileSync(join(at, name), '');
        for (const { name, bytes } of files) {
          mkdirSync(join(name, '..'), { recursive: true });
          writeFileSync(name, bytes);
        }
        const victim = pick(random, files);
        writeFileSync(victim.name, damagedAnywhere(victim.bytes, random));
        await reader.read(at);
      },
      close: folder.remove,
    };
  },
};

/** `mutateBytes` prefers the beginning; headers and ends are both interesting. */
function damagedAnywhere(bytes: Uint8Array, random: Random): Uint8Array {
  if (random() < 0.4) return mutateBytes(Uint8Array.from(bytes), random);
  const result = Uint8Array.from(bytes);
  for (let n = 1 + Math.floor(random() * 12); n > 0 && result.length > 0; n--)
    result[Math.floor(random() * result.length)] = Math.floor(random() * 256);
  return random() < 0.2 ? result.slice(0, Math.floor(random() * result.length)) : result;
}
