import { withoutAnnotations } from './cpp-annotations';
import type { Declaration, GrammarEntry, LanguageEntry, Pattern } from './entry';

/**
 * @vscode/tree-sitter-wasm has no C grammar. The C++ grammar parses C well, including K&R heads and macro-heavy code.
 */
const CPP: GrammarEntry = {
  name: 'cpp',
  prepare: withoutAnnotations,
  query: `
(function_definition declarator: (function_declarator declarator: (_) @name)) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @function
(function_definition declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name)))) @function
(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name))) @function
(function_definition declarator: (operator_cast type: (_) @name)) @function
(declaration declarator: (function_declarator declarator: (_) @name)) @declaration
(declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @declaration
(declaration declarator: (reference_declarator (function_declarator declarator: (_) @name))) @declaration
(field_declaration declarator: (function_declarator declarator: (_) @name)) @declaration
(field_declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @declaration
(field_declaration declarator: (reference_declarator (function_declarator declarator: (_) @name))) @declaration
(field_declaration declarator: (field_identifier) @name) @field
(class_specifier name: (_) @name body: (_)) @class
(struct_specifier name: (_) @name body: (_)) @struct
(union_specifier name: (_) @name body: (_)) @struct
(enum_specifier name: (_) @name body: (_)) @enum
(type_definition declarator: (type_identifier) @name) @type
(type_definition declarator: (function_declarator declarator: (parenthesized_declarator (pointer_declarator declarator: (_) @name)))) @type
(alias_declaration name: (_) @name) @type
(concept_definition name: (_) @name) @type
(namespace_definition name: (_) @name) @namespace
(preproc_function_def name: (_) @name) @macro
(preproc_def name: (_) @name value: (_)) @macro
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)
(translation_unit (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable)
(declaration_list (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)`,
};

const C_PATTERNS: readonly Pattern[] = [
  { kind: 'macro', test: /^\s*#\s*define\s+([A-Za-z_]\w*)/ },
  { kind: 'struct', test: /^(?:typedef\s+)?(?:static\s+|const\s+)*(?:struct|union)\s+([A-Za-z_]\w*)\s*(?:\{|$)/ },
  { kind: 'enum', test: /^(?:typedef\s+)?enum\s+([A-Za-z_]\w*)\s*(?:\{|$)/ },
  { kind: 'type', test: /^typedef\s+[^;{]*?\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?;/ },
  { kind: 'type', test: /^typedef\s+[^;{]*\(\s*\*\s*([A-Za-z_]\w*)\s*\)\s*\(/ },
  { kind: 'type', test: /^\}\s*(?:__attribute__\s*\(\(.*\)\)\s*)?([A-Za-z_]\w*)\s*;/ },
  {
    kind: 'function',
    test: /^(?!(?:return|else|if|for|while|switch|typedef|goto|case|sizeof)\b)(?:[A-Za-z_][\w\s*]*[\s*])?([A-Za-z_]\w*)\s*\([^;]*$/,
  },
];
const CPP_PATTERNS: readonly Pattern[] = [
  ...C_PATTERNS,
  { kind: 'class', test: /^\s*class\s+([A-Za-z_]\w*)[^;]*$/ },
  { kind: 'namespace', test: /^\s*namespace\s+([A-Za-z_][\w:]*)/ },
];

const IMPORTS = [/^\s*#\s*(?:include|import)\s*[<"]([^>"\n]+)[>"]/gm];

const isExported = ({ head }: Declaration): boolean => !/\b(?:private|protected|static)\b/.test(head);

/** Detects C++ or Objective-C in a `.h` file by constructs that only that language has. */
function headerLanguage(extension: string, head: string): string {
  if (extension !== 'h') return 'c';
  if (
    /^\s*(?:class\s+\w+|namespace\b|template\s*<|using\s+(?:namespace\s|\w+\s*=)|public:|private:|protected:)|\bstd::|#include\s*<(?:string|vector|memory|map|iostream|functional|utility|cstd\w+|type_traits)>/m.test(
      head,
    )
  )
    return 'cpp';
  return /^\s*@(?:interface|protocol|class)\b/m.test(head) ? 'objective-c' : 'c';
}

/** `.m` is shared. A MATLAB file begins with a comment, a function or a class; Objective-C has directives. */
const matlabOrObjectiveC = (extension: string, head: string): string =>
  extension === 'm' &&
  (/^\s*(?:%|function\b|classdef\b)/m.test(head) || /^\s*(?:clear|close|clc|figure)\b/m.test(head)) &&
  !/^\s*(?:#\s*(?:import|include)\b|@(?:interface|implementation|protocol|import|class)\b|\/\/|\/\*)/m.test(head)
    ? 'matlab'
    : 'objective-c';

const SHARED = { layout: 'c', imports: IMPORTS, isExported } as const satisfies Partial<LanguageEntry>;

export const C_FAMILY: readonly LanguageEntry[] = [
  { id: 'c', extensions: 'c h', refine: headerLanguage, grammar: CPP, patterns: C_PATTERNS, ...SHARED },
  {
    id: 'cpp',
    extensions: 'cc cpp cxx c++ hh hpp hxx h++ ipp inl tpp ixx cppm ino',
    grammar: CPP,
    patterns: CPP_PATTERNS,
    scopeSeparator: '::',
    ...SHARED,
  },
  { id: 'cuda-cpp', extensions: 'cu cuh', grammar: CPP, patterns: CPP_PATTERNS, scopeSeparator: '::', ...SHARED },
  {
    id: 'objective-c',
    extensions: 'm mm',
    refine: matlabOrObjectiveC,
    patterns: [
      ...C_PATTERNS,
      { kind: 'class', test: /^@(?:interface|implementation|protocol)\s+([A-Za-z_]\w*)/ },
      { kind: 'method', test: /^[-+]\s*\([^)]*\)\s*([A-Za-z_]\w*)/ },
    ],
    ...SHARED,
  },
  {
    id: 'glsl',
    extensions: 'glsl vert frag geom comp hlsl metal',
    patterns: [
      ...C_PATTERNS,
      { kind: 'variable', test: /^(?:layout\s*\([^)]*\)\s*)?(?:uniform|varying|in|out)\s+\w+\s+(\w+)/ },
    ],
    ...SHARED,
  },
  {
    id: 'wgsl',
    extensions: 'wgsl',
    patterns: [
      { kind: 'function', test: /^\s*(?:@\w+(?:\([^)]*\))?\s*)*fn\s+([A-Za-z_]\w*)/ },
      { kind: 'struct', test: /^\s*struct\s+([A-Za-z_]\w*)/ },
      { kind: 'variable', test: /^(?:@\w+(?:\([^)]*\))?\s*)*(?:var(?:<[^>]*>)?|const|override)\s+([A-Za-z_]\w*)/ },
    ],
  },
];
