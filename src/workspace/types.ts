/** Documents, segments and symbols (docs/architecture.md, "Words"). Lines are 1-based and inclusive. */

export interface WorkspaceFolder {
  /** Display name; the prefix of paths when a workspace has several folders. */
  name: string;
  /** Absolute path. */
  directory: string;
  /** Globs of `files.exclude` for this folder. They replace those of the workspace. */
  filesExclude?: readonly string[];
  /** The editor's encoding of files that are not Unicode: `windows1252`. Default: detection. */
  encoding?: string;
}

/** One text file, as read. */
export interface Document {
  /** Absolute path. */
  file: string;
  /** Workspace path: relative to its folder, forward slashes; with several folders, `folderName/relative`. */
  path: string;
  language: Language;
  /** Decoded text without BOM, line ends as in the file. */
  text: string;
  /** sha256 (hex) of the decoded text. */
  hash: string;
  /** Origin of the lines in a document that is not plain text (a notebook's cells), in line order. */
  places?: readonly Place[];
  /** Number of the text's first line in the file, for a part of a long file. Default: 1. */
  firstLine?: number;
}

/** Lines of an extracted text, and the part of the document that contains them. */
export interface Place {
  /** 1-based and inclusive. */
  startLine: number;
  endLine: number;
  kind: 'cell' | 'page' | 'section' | 'line';
  /** 1-based number of the cell, page, section, or line of the file. */
  number: number;
}

/** A VS Code language id where VS Code has one. */
export type Language = string;

export type SymbolKind =
  | 'function'
  | 'method'
  | 'class'
  | 'interface'
  | 'struct'
  | 'enum'
  | 'trait'
  | 'type'
  | 'constant'
  | 'variable'
  | 'field'
  | 'module'
  | 'namespace'
  | 'macro'
  | 'heading'
  | 'rule'
  | 'key';

/** A definition found in a document. */
export interface DocumentSymbol {
  name: string;
  kind: SymbolKind;
  /** Names of the enclosing definitions, outermost first. */
  container: readonly string[];
  /** First line of the definition, without its doc comment, and last line of its body. */
  startLine: number;
  endLine: number;
  /** First line of the definition's doc comment (leading comment or docstring), if any. */
  docLine?: number;
  /** The declaration's head on one line, body removed, at most 200 characters. */
  signature: string;
  /** The doc comment's text without comment marks, at most 1,000 characters. */
  doc?: string;
  exported: boolean;
  /** True for a declaration without a body (a C prototype, a method in a class head), whose definition is elsewhere. */
  declaration?: boolean;
}

/** A range of whole lines of a document, cut at syntax or prose boundaries. */
export interface Segment {
  startLine: number;
  endLine: number;
  /** Character offsets [start, end) in the document's text. */
  start: number;
  end: number;
  /** Main content of the segment. */
  kind: 'code' | 'prose' | 'data';
  /** Indices into SegmentedDocument.symbols of definitions that begin in the segment. */
  symbols: readonly number[];
  /**
   * Names of enclosing definitions or headings at the first line, outermost first ("Class", "method" | "Guide",
   * "Install").
   */
  breadcrumb: readonly string[];
  /** Number of characters to use when the text is far longer than a segment should be (a minified line). */
  maxCharacters?: number;
}

/** Result of segmenting one document. Segments cover every line exactly once, in order. */
export interface SegmentedDocument {
  segments: readonly Segment[];
  symbols: readonly DocumentSymbol[];
  /** Specifiers that the document imports ("./util", "os.path", "std::fs"), for coherence and "who uses it". */
  imports: readonly string[];
  /** How the document was cut: by a grammar, by headings, by indentation and blank lines, or by length alone. */
  method: 'syntax' | 'headings' | 'indentation' | 'length';
}
