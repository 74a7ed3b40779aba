import type { Language, SymbolKind } from '../types';

/** Heading syntax of prose. */
export type Markup = 'markdown' | 'restructuredtext' | 'asciidoc' | 'latex' | 'man' | 'plaintext';

/** A definition that one line identifies. */
export interface Pattern {
  kind: SymbolKind;
  /** The first group captures the name. */
  test: RegExp;
}

export interface CommentSyntax {
  /**
   * Matches the beginning of a comment line, including white space. Absent where a language has block comments only.
   */
  line?: RegExp;
  /** Opening and closing mark of each form of block comment. */
  blocks: readonly (readonly [open: string, close: string])[];
  /** Mark of documentation after the opening mark, which is no part of the words: Haskell's `|`. */
  docMark?: RegExp;
  /** A comment below a definition's head documents it where none is above: `@moduledoc`, the help text of MATLAB. */
  below?: boolean;
}

export interface GrammarEntry {
  /** The file is `tree-sitter-<name>.wasm` of @vscode/tree-sitter-wasm. */
  name: string;
  /**
   * Tree-sitter query for definitions. The capture on the whole node names the symbol's kind. `@name` is its name.
   * `@scope` contributes only a container name to its contents (a Rust impl). `@receiver` is the type of a Go method.
   * Where several patterns match one node, the first counts.
   */
  query: string;
  /** Rewrites constructs that mislead the parser. The result has the same length and line ends. */
  prepare?: (text: string) => string;
}

/** A definition as an export rule receives it. */
export interface Declaration {
  name: string;
  /** Words before the definition, and its signature. */
  head: string;
  /** Kind of the enclosing definition. */
  outerKind: string | undefined;
}

/**
 * Most of a language is its entry. Answers, hover and summaries also have a few rules of their own for some languages
 * (docs/how-to/add-a-language.md lists them). Only `id` is required. A language without grammar and patterns is cut by
 * layout and has no definitions.
 */
export interface LanguageEntry {
  /** VS Code's language id where VS Code has one. */
  id: Language;

  // ── Detection (detect.ts) ─────────────────────────────────────────────────────────────────────────────────────

  /** Extensions without the dot, lower case, separated by spaces. */
  extensions?: string;
  /** Whole file names, lower case, separated by spaces. */
  names?: string;
  /** Interpreters of a `#!` line. */
  interpreters?: RegExp;
  /** First characters that identify a file whose name does not. */
  firstCharacters?: string;
  /** Chooses another language for a file whose extension is shared (`.h`), from its first 4,096 characters. */
  refine?: (extension: string, head: string) => Language;

  // ── Segmentation ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Default `code`. */
  kind?: 'code' | 'prose' | 'data';
  /** Headings of prose. */
  markup?: Markup;
  /** Prose has chunks of code with definitions: R Markdown, Quarto. */
  chunks?: boolean;
  grammar?: GrammarEntry;
  /** Definitions by line, for languages without a grammar and for texts that take too long to parse. */
  patterns?: readonly Pattern[];
  /** `c`: a function pattern counts only when a body follows, and preprocessor lines may begin at the margin. */
  layout?: 'c';
  /** `<script>` elements contain JavaScript or TypeScript. */
  scripts?: boolean;
  /** The text between two `---` lines at the top is TypeScript. */
  frontmatter?: boolean;
  /** Characters around names that the language takes for no part of them: `"` in SQL. */
  nameQuotes?: RegExp;
  /**
   * A definition is the row of clauses that begin with its name: Haskell's signature and equations, Erlang's clauses.
   */
  clauses?: boolean;
  /** Line that ends a definition whose body has neither braces nor deeper lines. The next definition ends it too. */
  endsWith?: RegExp;
  /** Definitions are statements that a semicolon ends, whatever their layout: SQL. */
  statements?: boolean;
  /** Other forms than `NAME` in code: `a::b` names b in a. */
  scopeSeparator?: string;

  // ── Documentation ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Default: the forms of C. */
  comments?: CommentSyntax;
  /** `docstring`: a string that opens the body. Default: the comment above a definition. */
  documentation?: 'comment' | 'docstring';

  // ── Signatures ────────────────────────────────────────────────────────────────────────────────────────────────

  /** End of a declaration's head: a brace (default), the end of the line, or a colon. */
  headEnds?: 'brace' | 'line' | 'colon';
  /** Characters that open a string; default `"`, `'` and a backtick. */
  quotes?: string;
  /** A function body may have no brace. Default: a function without a brace is only declared. */
  braceless?: boolean;

  // ── Imports and exports ───────────────────────────────────────────────────────────────────────────────────────

  /** The first group captures the specifier. */
  imports?: readonly RegExp[];
  /** Import blocks: the first group of `block` captures the text in which `specifier` finds specifiers. */
  importBlocks?: { block: RegExp; specifier: RegExp };
  /** Matches a definition that only names another file's definition (`x = require('y')`) and is omitted. */
  importBinding?: RegExp;
  /** Keyword of constants. Other declarations of the same form are variables. */
  constantWord?: RegExp;
  /** Whether other files can use a definition. Default: it does not begin with `_`, `private`, `local`, `internal`. */
  isExported?: (declaration: Declaration) => boolean;
  /** Returns the names that a text exports separately from their definitions. */
  exportedNames?: (text: string) => ReadonlySet<string>;
}
