import { HASH, HASH_OR_SLASHES, QUOTED_TEXT } from './comment-syntax';
import type { LanguageEntry } from './entry';

export const SCRIPTING: readonly LanguageEntry[] = [
  {
    id: 'python',
    braceless: true,
    extensions: 'py pyi pyw pyx pxd wsgi gyp',
    names: 'sconstruct snakefile',
    interpreters: /^python[\d.]*$|^pypy/,
    comments: HASH,
    documentation: 'docstring',
    headEnds: 'colon',
    grammar: {
      name: 'python',
      query: `
(function_definition name: (_) @name) @function
(class_definition name: (_) @name) @class
(module (expression_statement (assignment left: (identifier) @name) @constant))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @field)))
(module (if_statement consequence: (block (expression_statement (assignment left: (identifier) @name) @constant))))
(type_alias_statement left: (_) @name) @type`,
    },
    patterns: [
      { kind: 'function', test: /^\s*(?:async\s+)?def\s+(\w+)/ },
      { kind: 'class', test: /^\s*class\s+(\w+)/ },
    ],
    imports: [/^[ \t]*from\s+([.\w]+)\s+import\b/gm, /^[ \t]*import\s+([\w.]+)/gm],
  },
  {
    id: 'ruby',
    braceless: true,
    extensions: 'rb rake gemspec rbi ru podspec erb',
    names: 'gemfile rakefile vagrantfile podfile brewfile',
    interpreters: /^ruby/,
    comments: { ...HASH, blocks: [['=begin', '=end']] },
    headEnds: 'line',
    grammar: {
      name: 'ruby',
      query: `
(method name: (_) @name) @method
(singleton_method name: (_) @name) @method
(class name: (_) @name) @class
(module name: (_) @name) @module
(assignment left: (constant) @name) @constant`,
    },
    patterns: [
      { kind: 'method', test: /^\s*def\s+(?:self\.)?([\w?!=]+)/ },
      { kind: 'class', test: /^\s*class\s+([\w:]+)/ },
      { kind: 'module', test: /^\s*module\s+([\w:]+)/ },
    ],
    imports: [/^\s*(?:require|require_relative|load)\s*\(?\s*['"]([^'"\n]+)['"]/gm],
  },
  {
    id: 'php',
    extensions: 'php phtml php5 inc',
    interpreters: /^php/,
    firstCharacters: '<?php',
    comments: HASH_OR_SLASHES,
    grammar: {
      name: 'php',
      query: `
(function_definition name: (_) @name) @function
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(trait_declaration name: (_) @name) @trait
(enum_declaration name: (_) @name) @enum
(enum_case name: (_) @name) @constant
(method_declaration name: (_) @name) @method
(const_declaration (const_element (name) @name)) @constant
(property_declaration (property_element name: (_) @name)) @field`,
    },
    patterns: [
      { kind: 'function', test: /^\s*(?:\w+\s+)*function\s+&?(\w+)/ },
      { kind: 'class', test: /^\s*(?:abstract\s+|final\s+)*(?:class|interface|trait)\s+(\w+)/ },
    ],
    imports: [
      /^\s*use\s+(?:function\s+|const\s+)?([\w\\]+)/gm,
      /\b(?:require|include)(?:_once)?\s*\(?\s*(?:__DIR__\s*\.\s*)?['"]([^'"\n]+)['"]/g,
    ],
    isExported: ({ head }) => !/\b(?:private|protected|static)\b/.test(head),
  },
  {
    id: 'shellscript',
    braceless: true,
    extensions: 'sh bash zsh ksh bats ebuild',
    names: '.bashrc .bash_profile .profile .zshrc .envrc',
    interpreters: /^(?:ba|z|k|da|a)?sh$/,
    comments: HASH,
    headEnds: 'line',
    grammar: {
      name: 'bash',
      query: `
(function_definition name: (_) @name) @function
(program (variable_assignment name: (variable_name) @name) @variable)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @variable)`,
    },
    patterns: [{ kind: 'function', test: /^\s*(?:function\s+)?([\w-]+)\s*\(\)\s*\{?/ }],
    imports: [/^\s*(?:source|\.)\s+["']?([^\s"';|&]+)/gm],
  },
  {
    id: 'powershell',
    extensions: 'ps1 psm1 psd1',
    interpreters: /^pwsh$/,
    comments: { ...HASH, blocks: [['<#', '#>']], docMark: /^\s*\.(?:synopsis|description)\s*$/i },
    grammar: {
      name: 'powershell',
      query: `
(function_statement (function_name) @name) @function
(class_statement (simple_name) @name) @class
(class_method_definition (simple_name) @name) @method`,
    },
  },
  {
    id: 'lua',
    braceless: true,
    extensions: 'lua',
    interpreters: /^lua/,
    comments: { line: /^\s*--/, blocks: [['--[[', ']]']] },
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^\s*(?:local\s+)?function\s+(?:[\w.]+[.:])?([A-Za-z_]\w*)/ },
      { kind: 'function', test: /^\s*(?:local\s+)?(?:[\w.]+\.)?([A-Za-z_]\w*)\s*=\s*function\b/ },
    ],
    imports: [/\brequire\s*\(?\s*['"]([^'"\n]+)['"]/g],
  },
  {
    id: 'perl',
    extensions: 'pl pm t',
    interpreters: /^perl/,
    comments: HASH,
    patterns: [
      { kind: 'function', test: /^\s*sub\s+([A-Za-z_]\w*)/ },
      { kind: 'module', test: /^\s*package\s+([\w:]+)/ },
      { kind: 'constant', test: /^\s*use\s+constant\s+([A-Za-z_]\w*)/ },
    ],
    imports: [/^\s*(?:use|require)\s+([A-Z][\w:]*)/gm],
  },
  {
    id: 'r',
    braceless: true,
    extensions: 'r',
    interpreters: /^Rscript$/,
    // Roxygen marks documentation with #'.
    comments: { ...HASH, docMark: /^'/ },
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^\s*[`"']?([A-Za-z_.][\w.]*(?:<-)?)[`"']?\s*(?:<<?-|=)\s*(?:function\b|\\\()/ },
      { kind: 'class', test: /^\s*([A-Za-z_.][\w.]*)\s*<-\s*(?:\w+::)?(?:R6Class|setRefClass)\(/ },
      { kind: 'class', test: /^set(?:Class|RefClass)\(\s*["']([\w.]+)/ },
      { kind: 'function', test: /^set(?:Generic|Method|Validity)\(\s*["']([^"'\s]+)/ },
      { kind: 'constant', test: /^([A-Z_.][A-Z\d_.]*)\s*(?:<-|=)/ },
    ],
    imports: [/\b(?:library|require|requireNamespace|source)\(\s*["']?([\w./-]+)/g],
  },
  {
    id: 'julia',
    braceless: true,
    extensions: 'jl',
    interpreters: /^julia$/,
    comments: { ...HASH, blocks: [['#=', '=#'], ...QUOTED_TEXT] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'function', test: /^\s*(?:@\w+\s+)?function\s+(?:[\w.]+\.)?([A-Za-z_]\w*!?)/ },
      { kind: 'struct', test: /^\s*(?:mutable\s+)?struct\s+([A-Za-z_]\w*)/ },
      { kind: 'module', test: /^\s*(?:bare)?module\s+([A-Za-z_]\w*)/ },
      {
        kind: 'function',
        test: /^(?:@\w+\s+)?(?:[\w.]+\.)?([A-Za-z_]\w*!?)(?:\{[^}]*\})?\(.*\)(?:::\S+)?\s*(?:where\b.*)?=(?!=)/,
      },
      { kind: 'macro', test: /^\s*macro\s+([A-Za-z_]\w*)/ },
      { kind: 'type', test: /^\s*(?:abstract|primitive)\s+type\s+([A-Za-z_]\w*)/ },
      { kind: 'constant', test: /^const\s+([A-Za-z_]\w*)/ },
    ],
    imports: [/^\s*(?:using|import)\s+([\w.]+)/gm, /\binclude\("([^"\n]+)"\)/g],
  },
  {
    id: 'gdscript',
    braceless: true,
    extensions: 'gd',
    comments: HASH,
    headEnds: 'colon',
    patterns: [
      { kind: 'function', test: /^\s*(?:static\s+)?func\s+([A-Za-z_]\w*)/ },
      { kind: 'class', test: /^\s*(?:class|class_name)\s+([A-Za-z_]\w*)/ },
      { kind: 'type', test: /^\s*signal\s+([A-Za-z_]\w*)/ },
      { kind: 'enum', test: /^\s*enum\s+([A-Za-z_]\w*)/ },
      { kind: 'constant', test: /^const\s+([A-Za-z_]\w*)/ },
      {
        kind: 'variable',
        test: /^(?:@\w+(?:\([^)]*\))?\s+)*(?:export(?:\([^)]*\))?\s+|onready\s+)*var\s+([A-Za-z_]\w*)/,
      },
    ],
    imports: [/\b(?:preload|load)\(\s*"([^"\n]+)"/g],
  },
  {
    id: 'matlab',
    braceless: true,
    comments: { line: /^\s*%+/, blocks: [['%{', '%}']], below: true },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'function', test: /^\s*function\s+(?:\[[^\]]*\]\s*=\s*|\w+\s*=\s*)?(?:[gs]et\.)?([A-Za-z_]\w*)/ },
      { kind: 'class', test: /^\s*classdef\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w*)/ },
    ],
    endsWith: /^\s*end(?:function)?\s*[;%]?/,
  },
  {
    id: 'vim',
    extensions: 'vim',
    comments: { line: /^\s*"/, blocks: [] },
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^\s*(?:fu|func|function|def)!?\s+([\w:#.<>]+)\s*\(/ },
      { kind: 'macro', test: /^\s*command!?\s+(?:-\S+\s+)*([A-Z]\w*)/ },
    ],
    endsWith: /^\s*end(?:f|func|function|def)\b/,
  },
  {
    id: 'bat',
    extensions: 'bat cmd',
    comments: { line: /^\s*(?:rem\b|::)/i, blocks: [] },
    headEnds: 'line',
    patterns: [{ kind: 'function', test: /^\s*:([A-Za-z_][\w.-]*)/ }],
    endsWith: /^\s*(?:goto\s*:eof|exit\s+\/b)\b/i,
  },
  {
    id: 'nim',
    braceless: true,
    extensions: 'nim nims',
    comments: { line: /^\s*#(?!\[)/, blocks: [['#[', ']#']], below: true },
    headEnds: 'line',
    nameQuotes: /`/g,
    patterns: [
      { kind: 'function', test: /^\s*(?:proc|func|method|iterator|converter)\s+(`[^`]+`|[A-Za-z]\w*)/ },
      { kind: 'macro', test: /^\s*(?:template|macro)\s+(`[^`]+`|[A-Za-z]\w*)/ },
      {
        kind: 'type',
        test: /^\s*(?:type\s+)?([A-Za-z]\w*)\*?(?:\[[^\]]*\])?\s*(?:\{[^}]*\}\s*)?=\s*(?:ref\s+|ptr\s+)?(?:object|enum|tuple|distinct|concept)\b/,
      },
    ],
    imports: [/^\s*(?:import|include|from)\s+([\w/.]+)/gm],
  },
];
