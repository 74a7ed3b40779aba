/**
 * Answers about one text that is too large for the index. The whole file is searched for the words of the question; the
 * parts that share most with it are indexed in memory, each as a document, and the question is answered from these.
 */
import * as l10n from '@vscode/l10n';
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatBytes } from '../base';
import type { Coverage, Scope } from '../protocol';
import type { AssistantLibrary } from '../assistant';
import { parseQuestion, type Ranking, Search, type SearchRequest } from '../search';
import { type Document, Workspace } from '../workspace';

/** Parts of the file that are read for one question, of 64 KB each. */
const MAX_PARTS = 24;
/** No folder of the disk: parts have paths below it, so that they have the name and language of their file. */
const ROOT = resolve('/.anchorage-long-file');

const FOLDER = 'part-of-a-long-file-';

export interface LongFileRequest {
  question: string;
  scope: Scope;
  signal?: AbortSignal | undefined;
}

/** Lines of one part: the number of its first line in the file. */
interface Part {
  startLine: number;
}

export class LongFileView {
  private readonly search: Search;
  /** Matches the path of any part. */
  private readonly partPath: RegExp;

  private constructor(
    private readonly file: { file: string; path: string; bytes: number },
    private readonly workspace: Workspace,
    private readonly parts: ReadonlyMap<string, Part>,
  ) {
    this.search = new Search({ workspace });
    const name = file.path.split('/').pop() ?? file.path;
    this.partPath = new RegExp(`${FOLDER}\\d+/${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`, 'g');
  }

  /**
   * Opens the parts of a file for a question. Undefined unless the scope is a text that only its size keeps out of the
   * index.
   *
   * @throws ReadError when the file is no text
   */
  static async open(
    { question, scope, signal }: LongFileRequest,
    library: Pick<Workspace, 'long' | 'pathOf' | 'ownNames'>,
  ): Promise<LongFileView | undefined> {
    const { long } = library;
    if ((scope.kind !== 'file' && scope.kind !== 'selection') || !long.isTooLargeToIndex(scope.file)) return undefined;
    const { file } = scope;
    const path = library.pathOf(file) ?? file;
    const name = path.split('/').pop() ?? path;
    const { terms } = parseQuestion(question, library.ownNames);
    const lines = scope.kind === 'selection' ? scope : undefined;
    const excerpts = await long.excerpts(file, { terms, most: MAX_PARTS, lines, signal });
    const workspace = await Workspace.open({
      folders: [{ name: 'parts', directory: ROOT }],
      storageDirectory: undefined,
      settings: { filesExclude: [], maxFileBytes: Infinity, secrets: true },
      threads: 0,
    });
    const parts = new Map<string, Part>();
    for (const [i, { document, startLine }] of excerpts.entries()) {
      const part = resolve(ROOT, `${FOLDER}${i + 1}`, name);
      parts.set(part, { startLine });
      await workspace.setUnsaved(part, document.text);
      // Parsing a part takes some 50 ms of this thread.
      await nextTurn();
    }
    await workspace.start(signal);
    return new LongFileView({ file, path, bytes: long.sizeOf(file) }, workspace, parts);
  }

  /** Reads, segments and looks up the parts. */
  get library(): AssistantLibrary {
    const { workspace } = this;
    return {
      ownNames: [],
      read: async (file) => this.placed(await workspace.read(file)),
      segmentsOf: (document) => workspace.segmentsOf(document),
      definitions: (name) => workspace.definitions(name),
      users: (name, options) => workspace.users(name, options),
    };
  }

  /** Ranks lines of the parts. */
  async rank(question: string, { before, signal }: SearchRequest): Promise<Ranking> {
    const ranking = await this.search.rank(question, { scope: { kind: 'workspace' }, before, signal });
    return { ...ranking, coverage: this.coverage };
  }

  get coverage(): Coverage {
    return { filesIndexed: 1, filesKnown: 1, indexing: false };
  }

  get notice(): string {
    const { path, bytes } = this.file;
    return l10n.t(
      '{0} has {1}, too much for the index. The whole file was searched for the words of the question; this answer uses the {2} parts of 64 KB that match best.',
      path,
      formatBytes(bytes),
      this.parts.size,
    );
  }

  /** A copy of a result whose spans and texts name the file and its lines. */
  outward<T>(value: T): T {
    return this.mapped(value) as T;
  }

  close(): Promise<void> {
    return this.workspace.close();
  }

  private mapped(value: unknown): unknown {
    if (typeof value === 'string') return this.renamed(value);
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map((each: unknown) => this.mapped(each));
    const { file, startLine, endLine } = value as { file?: unknown; startLine?: unknown; endLine?: unknown };
    const own = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.mapped(each)]));
    const part = typeof file === 'string' ? this.parts.get(file) : undefined;
    if (!part) return own;
    const moved = (line: unknown): unknown => (typeof line === 'number' ? line + part.startLine - 1 : line);
    return {
      ...own,
      file: this.file.file,
      path: this.file.path,
      ...(startLine === undefined ? {} : { startLine: moved(startLine) }),
      ...(endLine === undefined ? {} : { endLine: moved(endLine) }),
    };
  }

  /** A text without the paths of parts. */
  private renamed(text: string): string {
    return text.includes(FOLDER) ? text.replace(this.partPath, () => this.file.path) : text;
  }

  /** The document of a part with the number of its first line, so that answers print lines of the file. */
  private placed(document: Document): Document {
    const part = this.parts.get(document.file);
    return part ? { ...document, firstLine: part.startLine } : document;
  }
}
