import { DASHES, HASH, PARENTHESIS_STARS, PERCENT, SEMICOLONS } from './comment-syntax';
import type { LanguageEntry } from './entry';

/** Words at the margin that begin no definition of a function. */
const HASKELL_WORDS =
  'module|import|data|newtype|type|class|instance|where|deriving|default|foreign|infix|infixl|infixr|pattern|let|in|' +
  'if|then|else|case|of|do';
const HASKELL_COMMENTS = { ...DASHES, blocks: [['{-', '-}']], docMark: /^[|^*]/ } as const;

export const FUNCTIONAL: readonly LanguageEntry[] = [
  {
    id: 'elixir',
    braceless: true,
    extensions: 'ex exs',
    interpreters: /^elixir$/,
    comments: {
      ...HASH,
      blocks: ['doc', 'moduledoc', 'typedoc'].flatMap((name) => [
        [`@${name} """`, '"""'],
        [`@${name} ~S"""`, '"""'],
        [`@${name} "`, '"'],
      ]) as [string, string][],
      below: true,
    },
    headEnds: 'line',
    patterns: [
      { kind: 'module', test: /^\s*def(?:module|protocol|impl)\s+([\w.]+)/ },
      {
        kind: 'function',
        test: /^\s*def(?:p|macro|macrop|guard|guardp|delegate|callback)?\s+([a-z_]\w*[?!]?)/,
      },
      { kind: 'struct', test: /^\s*(defstruct|defexception)\b/ },
      { kind: 'type', test: /^\s*@(?:type|typep|opaque|callback)\s+([a-z_]\w*[?!]?)/ },
    ],
    imports: [/^\s*(?:alias|import|use|require)\s+([\w.]+)/gm],
  },
  {
    id: 'erlang',
    extensions: 'erl hrl',
    comments: PERCENT,
    headEnds: 'line',
    clauses: true,
    patterns: [
      { kind: 'function', test: /^([a-z]\w*)\s*\(/ },
      { kind: 'module', test: /^-module\((\w+)\)/ },
      { kind: 'macro', test: /^-define\(\s*(\w+)/ },
      { kind: 'struct', test: /^-record\(\s*(\w+)/ },
      { kind: 'type', test: /^-(?:type|opaque)\s+(\w+)/ },
    ],
  },
  {
    id: 'haskell',
    braceless: true,
    extensions: 'hs lhs',
    comments: HASKELL_COMMENTS,
    headEnds: 'line',
    quotes: '"',
    clauses: true,
    patterns: [
      { kind: 'interface', test: /^class\s+(?:[^=]*=>\s*)?([A-Z][\w']*)/ },
      { kind: 'class', test: /^instance\s+(?:[^=]*=>\s*)?([A-Z][\w'.]*(?:\s+[\w'()[\].,]+)*?)(?=\s+where\b|\s*$)/ },
      { kind: 'type', test: /^(?:data|newtype|type)\s+(?:family\s+|instance\s+)?(?:[^=]*=>\s*)?([A-Z][\w']*)/ },
      { kind: 'function', test: new RegExp(`^(?!(?:${HASKELL_WORDS})\\b)([a-z_][\\w']*)(?=[\\s,(]|$)`) },
      { kind: 'function', test: /^\s+([a-z_][\w']*)\s*::/ },
    ],
    imports: [/^import\s+(?:qualified\s+)?([\w.]+)/gm],
  },
  {
    id: 'clojure',
    braceless: true,
    extensions: 'clj cljs cljc edn',
    comments: { ...SEMICOLONS, blocks: [['"', '"']], below: true },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'module', test: /^\((?:in-)?ns\s+'?(?:\^\S+\s+)?([\w.*+!?<>=-]+)/ },
      { kind: 'macro', test: /^\s*\(defmacro\s+(?:\^\S+\s+)?([^\s()[\]]+)/ },
      { kind: 'interface', test: /^\s*\((?:defprotocol|definterface)\s+(?:\^\S+\s+)?([^\s()[\]]+)/ },
      { kind: 'struct', test: /^\s*\((?:defrecord|deftype)\s+(?:\^\S+\s+)?([^\s()[\]]+)/ },
      { kind: 'variable', test: /^\s*\((?:def|defonce)\s+(?:\^\S+\s+)?([^\s()[\]]+)/ },
      { kind: 'function', test: /^\s*\((?:defn-?|defmulti|defmethod|deftest)\s+(?:\^\S+\s+)?([^\s()[\]]+)/ },
    ],
    imports: [/\[([\w.-]+)\s+:(?:as|refer)\b/g],
  },
  {
    id: 'lisp',
    extensions: 'lisp lsp el scm ss rkt',
    comments: { ...SEMICOLONS, blocks: [['#|', '|#']] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      {
        kind: 'macro',
        test: /^\s*\((?:defmacro|define-macro|define-syntax(?:-rule)?)\s+\(?([^\s()'"`]+)/i,
      },
      {
        kind: 'variable',
        test: /^\s*\((?:defvar|defconst|defparameter|defconstant|defcustom|define)\s+([^\s()'"`]+)/i,
      },
      {
        kind: 'struct',
        test: /^\s*\((?:defstruct|defclass|cl-defstruct|define-record-type|struct)\s+\(?([^\s()'"`]+)/i,
      },
      {
        kind: 'function',
        test: /^\s*\((?:defun|cl-defun|defsubst|defmethod|cl-defmethod|defgeneric|define\*?)\s+\(?([^\s()'"`]+)/i,
      },
    ],
  },
  {
    id: 'fsharp',
    braceless: true,
    extensions: 'fs fsi fsx',
    comments: { line: /^\s*\/\/[/!]?/, blocks: PARENTHESIS_STARS.blocks },
    headEnds: 'line',
    quotes: '"',
    nameQuotes: /``/g,
    patterns: [
      // A function has parameters; a value of a body is indented.
      {
        kind: 'function',
        test: /^\s*(?:let|and)\s+(?:rec\s+|inline\s+|private\s+|internal\s+)*(?!mutable\b)(``[^`]+``|[a-zA-Z_][\w']*)(?:<[^>]*>)?\s+(?![=:,])\S/,
      },
      { kind: 'constant', test: /^let\s+(?:mutable\s+|private\s+|internal\s+)*(``[^`]+``|[a-zA-Z_][\w']*)\s*[=:]/ },
      {
        kind: 'method',
        test: /^\s*(?:static\s+)?(?:member|override|default|abstract)\s+(?:member\s+|private\s+|inline\s+|val\s+)*(?:\w+\.)?(``[^`]+``|[A-Za-z_]\w*)/,
      },
      {
        kind: 'type',
        test: /^\s*(?:type|and|exception)\s+(?:\[<[^>]*>\]\s*|private\s+|internal\s+)*([A-Z]\w*)/,
      },
      { kind: 'module', test: /^\s*(?:module|namespace)\s+(?:rec\s+|private\s+|internal\s+)*([\w.]+)/ },
    ],
    imports: [/^\s*open\s+([\w.]+)/gm],
  },
  {
    id: 'ocaml',
    braceless: true,
    extensions: 'ml mli',
    comments: { ...PARENTHESIS_STARS, docMark: /^\*+/ },
    quotes: '"',
    patterns: [
      { kind: 'function', test: /^\s*(?:let|and)\s+(?:rec\s+)?([a-z_][\w']*)(?!['\w]*\s*,)/ },
      { kind: 'function', test: /^\s*(?:val|external|method)\s+(?:private\s+|virtual\s+)*([a-z_][\w']*)/ },
      { kind: 'module', test: /^\s*module\s+(?:type\s+|rec\s+)*([A-Z][\w']*)/ },
      { kind: 'class', test: /^\s*class\s+(?:type\s+|virtual\s+)*(?:\[[^\]]*\]\s*)?([a-z_][\w']*)/ },
      { kind: 'type', test: /^\s*(?:type|and|exception)\s+(?:nonrec\s+)?(?:'\w+\s+|\([^)]*\)\s+)?([A-Za-z_][\w']*)/ },
    ],
    imports: [/^\s*(?:open!?|include)\s+([A-Z][\w.']*)/gm],
  },
  {
    id: 'elm',
    braceless: true,
    extensions: 'elm',
    comments: HASKELL_COMMENTS,
    headEnds: 'line',
    quotes: '"',
    clauses: true,
    patterns: [
      { kind: 'type', test: /^type\s+(?:alias\s+)?([A-Z]\w*)/ },
      { kind: 'function', test: /^(?:port\s+)?(?!(?:module|import|port|type|effect)\b)([a-z_]\w*)(?=[\s:]|$)/ },
    ],
    imports: [/^import\s+([\w.]+)/gm],
  },
];
