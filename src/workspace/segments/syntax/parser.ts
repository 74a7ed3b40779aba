import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import TreeSitter from '@vscode/tree-sitter-wasm';
import type { Language as Grammar, ParseOptions, Parser, Query, Tree } from '@vscode/tree-sitter-wasm';
import { AppError, type LineTable } from '../../../base';
import { parseBudget } from './budget';
import type { GrammarEntry } from '../../languages';

/** The tree-sitter runtime or a grammar failed to load, because the installation is incomplete. */
export class GrammarError extends AppError<'grammarMissing'> {
  override readonly name = 'GrammarError';

  constructor(
    readonly file: string,
    cause: unknown,
  ) {
    const message = `Cannot load ${file}. Reinstall Anchorage; until then code is cut by indentation.`;
    super('grammarMissing', message, undefined, { cause });
  }
}

export interface LoadedGrammar {
  entry: GrammarEntry;
  language: Grammar;
  query: Query;
}

let runtime: Promise<void> | undefined;

/**
 * Finds the folder of tree-sitter.wasm and the grammars: `tree-sitter/` beside the bundle, else the installed package.
 * @param from directory of the running script
 */
export function findGrammars(from: string = dirname(process.argv[1] ?? process.cwd())): string {
  const beside = join(from, 'tree-sitter');
  if (existsSync(join(beside, 'tree-sitter.wasm'))) return beside;
  for (const base of [from, process.cwd()]) {
    try {
      return dirname(createRequire(join(base, 'noop.js')).resolve('@vscode/tree-sitter-wasm'));
    } catch {
      // Not installed under this base; try the next.
    }
  }
  return beside;
}

/** Grammars of the process by file. The runtime cannot unload one, so each is loaded once. */
const loaded = new Map<string, Promise<LoadedGrammar>>();

/** Parsers for the grammars of one directory, loaded on demand. At most one tree exists at a time. */
export class Grammars {
  private parser: Parser | undefined;

  constructor(readonly directory: string) {}

  /** @throws GrammarError */
  async load(entry: GrammarEntry): Promise<LoadedGrammar> {
    const file = join(this.directory, `tree-sitter-${entry.name}.wasm`);
    let reading = loaded.get(file);
    if (!reading) {
      reading = this.read(file, entry);
      loaded.set(file, reading);
    }
    try {
      const grammar = await reading;
      this.parser ??= new TreeSitter.Parser();
      return grammar;
    } catch (error) {
      loaded.delete(file);
      throw new GrammarError(file, error);
    }
  }

  private async read(file: string, entry: GrammarEntry): Promise<LoadedGrammar> {
    runtime ??= TreeSitter.Parser.init({ locateFile: (wasm: string) => join(this.directory, wasm) });
    await runtime;
    const language = await TreeSitter.Language.load(file);
    return { entry, language, query: new TreeSitter.Query(language, entry.query) };
  }

  /**
   * Parses a text. Returns undefined when parsing exceeds the time budget. The caller must delete the tree, because
   * the garbage collector does not free its memory.
   * @param ranges offsets of the parts to parse; default: all
   * @param text replaces the lines' text; of the same length
   */
  parse(
    grammar: LoadedGrammar,
    lines: LineTable,
    ranges?: readonly { start: number; end: number }[],
    text = lines.text,
  ): Tree | undefined {
    const parser = this.parser;
    if (!parser) return undefined;
    const options: ParseOptions = {
      // The type declares void, but the runtime stops at `true` (ParseOptions.progressCallback).
      progressCallback: parseBudget(),
    };
    if (ranges)
      options.includedRanges = ranges.map(({ start, end }) => ({
        startIndex: start,
        endIndex: end,
        startPosition: pointAt(lines, start),
        endPosition: pointAt(lines, end),
      }));
    try {
      parser.setLanguage(grammar.language);
      const tree = parser.parse(grammar.entry.prepare?.(text) ?? text, null, options);
      if (!tree) parser.reset();
      return tree ?? undefined;
    } catch {
      // An abort inside the runtime (out of memory) leaves the parser unusable, so the next text gets a new one.
      this.parser = new TreeSitter.Parser();
      return undefined;
    }
  }

  close(): void {
    this.parser?.delete();
    this.parser = undefined;
  }
}

function pointAt(lines: LineTable, offset: number): { row: number; column: number } {
  const row = lines.lineAt(offset);
  return { row, column: offset - lines.start(row) };
}
