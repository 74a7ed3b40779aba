import type { Language, SymbolKind } from '../types';

/** Heading syntax of prose. */
export type Markup = 'markdown' | 'restructuredtext' | 'plaintext';

/** A definition that is recognised on one line. */
export interface Pattern {
  kind: SymbolKind;
  /** Its first group is the name. */
  test: RegExp;
}

export interface CommentSyntax {
  /** Matches the beginning of a comment line, white space included. Absent where a language has block comments only. */
  line?: RegExp;
  /** Opening and closing mark of each form of block comment. */
  blocks: readonly (readonly [open: string, close: string])[];
}

export interface GrammarEntry {
  /** The file is `tree-sitter-<name>.wasm` of @vscode/tree-sitter-wasm. */
  name: string;
  /**
   * Tree-sitter query for definitions. The capture on the whole node names the symbol's kind; `@name` is its name,
   * `@scope` only lends its name to what it holds (a Rust impl), `@receiver` is the type a Go method belongs to. Where
   * several patterns match one node, the first counts.
   */
  query: string;
  /** Rewrites a text that would mislead the parser. The result has the same length and line ends. */
  prepare?: (text: string) => string;
}

/** A definition as an export rule sees it. */
export interface Declaration {
  name: string;
  /** Words before the definition, and its signature. */
  head: string;
  /** Kind of the definition around it. */
  outerKind: string | undefined;
}

/**
 * Everything that is specific to one language. Indexing, segmentation and summaries read this table and nothing else,
 * so a new language is one entry (docs/how-to/add-a-language.md). Only `id` is required; a language without grammar and
 * patterns is cut by layout and has no definitions.
 */
export interface LanguageEntry {
  /** VS Code's language id where VS Code has one. */
  id: Language;

  // ── Detection (detect.ts) ─────────────────────────────────────────────────────────────────────────────────────

  /** Extensions without the dot, lower case, separated by spaces. */
  extensions?: string;
  /** Whole file names, lower case, separated by spaces. */
  names?: string;
  /** Programs of a `#!` line. */
  interpreters?: RegExp;
  /** First characters of a file without a telling name. */
  firstCharacters?: string;
  /** Another language for a file whose extension is shared (`.h`), judged by its first 4,096 characters. */
  refine?: (extension: string, head: string) => Language;

  // ── Segmentation ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Default `code`. */
  kind?: 'code' | 'prose' | 'data';
  /** Headings of prose. */
  markup?: Markup;
  grammar?: GrammarEntry;
  /** Definitions by line, for languages without a grammar and for texts whose parse takes too long. */
  patterns?: readonly Pattern[];
  /** `c`: a function pattern counts only when a body follows, and preprocessor lines stand at the margin. */
  layout?: 'c';
  /** `<script>` elements hold JavaScript or TypeScript. */
  scripts?: boolean;
  /** Other forms than `NAME` in code: `a::b` names b in a. */
  scopeSeparator?: string;

  // ── Documentation ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Default: C's. */
  comments?: CommentSyntax;
  /** `docstring`: a string that opens the body. Default: the comment above a definition. */
  documentation?: 'comment' | 'docstring';

  // ── Signatures ────────────────────────────────────────────────────────────────────────────────────────────────

  /** End of a declaration's head: a brace (default), the end of its line, or a colon. */
  headEnds?: 'brace' | 'line' | 'colon';
  /** Characters that open a string; default `"`, `'` and a backtick. */
  quotes?: string;

  // ── Imports and exports ───────────────────────────────────────────────────────────────────────────────────────

  /** The first group is the specifier. */
  imports?: readonly RegExp[];
  /** Import blocks: the first group of `block` holds specifiers that `specifier` finds. */
  importBlocks?: { block: RegExp; specifier: RegExp };
  /** A definition that only names another file's definition (`x = require('y')`); it is left out. */
  importBinding?: RegExp;
  /** Constants begin with this word; other declarations of the same form are variables. */
  constantWord?: RegExp;
  /** Whether other files can use a definition. Default: it does not begin with `_`, `private`, `local`, `internal`. */
  isExported?: (declaration: Declaration) => boolean;
  /** Names that a text exports apart from their definitions. */
  exportedNames?: (text: string) => ReadonlySet<string>;
}
