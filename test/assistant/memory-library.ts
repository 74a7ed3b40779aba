import { createHash } from 'node:crypto';
import type { AssistantLibrary, Definition, Use } from '../../src/assistant/library';
import { splitLines, textOfLines } from '../../src/base';
import { parseQuestion, SEARCH_WEIGHTS, type Search, type SearchResult, TermCoverage } from '../../src/search';
import { ReadError } from '../../src/workspace/sources/read';
import { createSegmenter } from '../../src/workspace/segments/segmenter';
import { passagesOf } from '../../src/workspace/segments/passages';
import type { Document, SegmentedDocument } from '../../src/workspace/types';
import type { RankedSpan } from '../../src/protocol';

const LANGUAGES: Record<string, string> = {
  py: 'python',
  ts: 'typescript',
  js: 'javascript',
  go: 'go',
  md: 'markdown',
  cc: 'cpp',
  h: 'cpp',
  rst: 'restructuredtext',
  json: 'json',
  rb: 'ruby',
  txt: 'plaintext',
};

/**
 * A library over files given as text. It uses the real segmenter, but ranks by term overlap instead of an index, so the
 * tests depend only on what the assistant does with spans.
 */
export class MemoryLibrary implements AssistantLibrary, Pick<Search, 'rank'> {
  readonly files = new Map<string, string>();
  reads = 0;
  ownNames: readonly string[] = [];

  constructor(
    files: Record<string, string>,
    private readonly root = '/w',
  ) {
    for (const [path, text] of Object.entries(files)) this.files.set(`${root}/${path}`, text);
  }

  async read(file: string): Promise<Document> {
    this.reads += 1;
    const text = this.files.get(file);
    if (text === undefined) throw new ReadError('missing', file, 'no longer exists');
    const language = LANGUAGES[file.split('.').pop() ?? ''] ?? 'plaintext';
    return {
      file,
      path: file.slice(this.root.length + 1),
      language,
      text,
      hash: createHash('sha256').update(text).digest('hex'),
    };
  }

  async segmentsOf(document: Document): Promise<SegmentedDocument> {
    return (await segmenter).segment(document);
  }

  async rank(question: string, { scope, before = '' }: Parameters<Search['rank']>[1]): Promise<SearchResult> {
    const spans: RankedSpan[] = [];
    for (const file of this.files.keys()) {
      if (scope.kind === 'file' && scope.file !== file) continue;
      const document = await this.read(file);
      const lines = splitLines(document.text);
      const segmented = await this.segmentsOf(document);
      for (const { startLine, endLine, start, end, titles } of passagesOf({ document, segmented }))
        spans.push({
          file,
          path: document.path,
          startLine,
          endLine,
          score: 0,
          breadcrumb: titles,
          reasons: [],
          text: document.text.slice(start, end),
          language: document.language,
          kind: 'prose',
        });
      for (const { startLine, endLine, breadcrumb, kind } of segmented.segments) {
        if (kind === 'prose') continue;
        const text = textOfLines(lines, startLine, endLine);
        spans.push({
          file,
          path: document.path,
          startLine,
          endLine,
          score: 0,
          breadcrumb,
          reasons: [],
          text,
          language: document.language,
        });
      }
    }
    const weights = new TermCoverage(
      parseQuestion(`${question} ${before}`),
      spans.map(({ text }) => text),
    );
    const ranked = spans
      .map((span) => ({ ...span, score: weights.matched(`${span.path} ${span.text}`) }))
      .filter(({ score }) => score > 0);
    ranked.sort((a, b) => b.score - a.score);
    return {
      spans: ranked.slice(0, SEARCH_WEIGHTS.limits.spans),
      coverage: { filesIndexed: this.files.size, filesKnown: this.files.size, indexing: false },
    };
  }

  async definitions(name: string): Promise<Definition[]> {
    const found: Definition[] = [];
    for (const file of this.files.keys()) {
      const document = await this.read(file);
      for (const symbol of (await this.segmentsOf(document)).symbols) {
        if (symbol.name === name) found.push({ file, path: document.path, language: document.language, symbol });
      }
    }
    return found;
  }

  async users(name: string, { limit }: { limit: number }): Promise<{ users: Use[]; more: number }> {
    const users: Use[] = [];
    const definitions = await this.definitions(name);
    for (const [file, text] of this.files) {
      const document = await this.read(file);
      splitLines(text).forEach((line, index) => {
        if (
          !new RegExp(`\\b${name}\\b`).test(line) ||
          definitions.some((each) => each.file === file && each.symbol.startLine === index + 1)
        )
          return;
        users.push({ span: { file, path: document.path, startLine: index + 1, endLine: index + 1 }, label: '' });
      });
    }
    return { users: users.slice(0, limit), more: Math.max(0, users.length - limit) };
  }
}

const segmenter = createSegmenter();

/** The tools of a question over files given as text. */
export function toolsOver(files: Record<string, string>): { library: MemoryLibrary; search: MemoryLibrary } {
  const library = new MemoryLibrary(files);
  return { library, search: library };
}
