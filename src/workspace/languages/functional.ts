import { DASHES, HASH, PARENTHESIS_STARS, PERCENT, SEMICOLONS } from './comment-syntax';
import type { LanguageEntry } from './entry';

export const FUNCTIONAL: readonly LanguageEntry[] = [
  {
    id: 'elixir',
    braceless: true,
    extensions: 'ex exs',
    interpreters: /^elixir$/,
    comments: HASH,
    headEnds: 'line',
    patterns: [
      { kind: 'module', test: /^\s*defmodule\s+([\w.]+)/ },
      { kind: 'function', test: /^\s*def(?:p|macro|macrop)?\s+([a-z_]\w*[?!]?)/ },
    ],
    imports: [/^\s*(?:alias|import|use|require)\s+([\w.]+)/gm],
  },
  {
    id: 'erlang',
    extensions: 'erl hrl',
    comments: PERCENT,
    patterns: [
      { kind: 'function', test: /^([a-z]\w*)\s*\(.*->/ },
      { kind: 'module', test: /^-module\((\w+)\)/ },
    ],
  },
  {
    id: 'haskell',
    braceless: true,
    extensions: 'hs lhs',
    comments: { ...DASHES, blocks: [['{-', '-}']] },
    patterns: [
      { kind: 'function', test: /^([a-z_][\w']*)\s*::/ },
      { kind: 'type', test: /^(?:data|newtype|type|class)\s+(?:.*=>\s*)?([A-Z][\w']*)/ },
    ],
    imports: [/^import\s+(?:qualified\s+)?([\w.]+)/gm],
  },
  {
    id: 'clojure',
    extensions: 'clj cljs cljc edn',
    comments: SEMICOLONS,
    patterns: [
      {
        kind: 'function',
        test: /^\s*\((?:defn-?|defmacro|defmulti|def|defprotocol|defrecord)\s+(?:\^\S+\s+)?([^\s()[\]]+)/,
      },
    ],
  },
  { id: 'lisp', extensions: 'lisp el scm ss rkt', comments: { ...SEMICOLONS, blocks: [['#|', '|#']] } },
  {
    id: 'fsharp',
    extensions: 'fs fsi fsx',
    comments: { line: /^\s*\/\/[/!]?/, blocks: PARENTHESIS_STARS.blocks },
    patterns: [
      { kind: 'function', test: /^\s*let\s+(?:rec\s+|inline\s+|private\s+)*([a-zA-Z_]\w*)/ },
      { kind: 'type', test: /^\s*type\s+([A-Z]\w*)/ },
      { kind: 'module', test: /^\s*module\s+([\w.]+)/ },
    ],
  },
  { id: 'ocaml', extensions: 'ml mli', comments: PARENTHESIS_STARS },
];
