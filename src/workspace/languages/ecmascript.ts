import { TYPE_KINDS } from './kinds';
import type { Declaration, GrammarEntry, LanguageEntry, Pattern } from './entry';

const JAVASCRIPT_QUERY = `
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)]) @function
(variable_declarator name: (identifier) @name value: (class)) @class
(program (lexical_declaration (variable_declarator name: (identifier) @name) @constant))
(program (variable_declaration (variable_declarator name: (identifier) @name) @variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @constant)))
(program (export_statement (variable_declaration (variable_declarator name: (identifier) @name) @variable)))
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression) (generator_function)]) @method
(assignment_expression left: (member_expression property: (property_identifier) @name) right: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression left: (member_expression property: (property_identifier) @name) right: (class)) @class
`;

const TYPESCRIPT_QUERY = `${JAVASCRIPT_QUERY}
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(internal_module name: (_) @name) @namespace
(module name: (_) @name) @namespace
(function_signature name: (_) @name) @function
(abstract_method_signature name: (_) @name) @method
(method_signature name: (_) @name) @method
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @method
(public_field_definition name: (_) @name) @field
(interface_declaration body: (interface_body (property_signature name: (_) @name) @field))
(ambient_declaration (lexical_declaration (variable_declarator name: (identifier) @name) @constant))
(ambient_declaration (variable_declaration (variable_declarator name: (identifier) @name) @variable))
`;

const JAVASCRIPT: GrammarEntry = {
  name: 'javascript',
  query: `${JAVASCRIPT_QUERY}
(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @method
(field_definition property: (_) @name) @field`,
};

/** Definitions of languages with braces, for texts that are not parsed. */
export const BRACES: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:\w+\s+)*(?:class|interface|struct|enum|trait)\s+([A-Za-z_$][\w$]*)/ },
  { kind: 'function', test: /^\s*(?:\w+\s+)*(?:function\*?|func|fun|fn|def|sub)\s+([A-Za-z_$][\w$]*)/ },
  {
    kind: 'function',
    test: /^\s*(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*=>|\w+\s*=>)/,
  },
];

export const ECMASCRIPT_IMPORTS: readonly RegExp[] = [
  /^\s*(?:import|export)\b[^'"`;]{0,2000}?\bfrom\s*['"]([^'"\n]+)['"]/gm,
  /^\s*import\s*['"]([^'"\n]+)['"]/gm,
  /\b(?:require|import)\(\s*['"]([^'"\n]+)['"]\s*\)/g,
];

function isExported({ name, head, outerKind }: Declaration): boolean {
  return outerKind !== undefined && TYPE_KINDS.has(outerKind)
    ? !/^(?:private\b|#|_)/.test(name) && !/\bprivate\b/.test(head)
    : /\bexport\b|\bexports\.|\bmodule\.exports\b/.test(head);
}

/** Names in `export { … }` lists and `module.exports = { … }`. */
function exportedNames(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const match of text.matchAll(/\b(?:export\s*(?:type\s*)?|module\.exports\s*=\s*)\{([^{}]{0,4000})\}/g)) {
    for (const part of (match[1] ?? '').split(',')) {
      const name = /^\s*(?:type\s+)?([\w$]+)/.exec(part)?.[1];
      if (name) names.add(name);
    }
  }
  for (const match of text.matchAll(/\b(?:export\s+default|module\.exports\s*=)\s+([\w$]+)\s*;?\s*$/gm))
    if (match[1]) names.add(match[1]);
  return names;
}

const SHARED = {
  patterns: BRACES,
  imports: ECMASCRIPT_IMPORTS,
  importBinding: /^[\w$]+\s*=\s*require\s*\(\s*(['"`])[^'"`\n]*\1\s*\)(?:\s*\.\s*[\w$]+)*$/,
  constantWord: /^const\b/,
  isExported,
  exportedNames,
} as const satisfies Partial<LanguageEntry>;

export const ECMASCRIPT: readonly LanguageEntry[] = [
  {
    id: 'typescript',
    extensions: 'ts mts cts',
    interpreters: /^(?:deno|ts-node|tsx)$/,
    grammar: { name: 'typescript', query: TYPESCRIPT_QUERY },
    ...SHARED,
  },
  { id: 'typescriptreact', extensions: 'tsx', grammar: { name: 'tsx', query: TYPESCRIPT_QUERY }, ...SHARED },
  {
    id: 'javascript',
    extensions: 'js mjs cjs es6',
    interpreters: /^(?:node|nodejs|bun)$/,
    grammar: JAVASCRIPT,
    ...SHARED,
  },
  { id: 'javascriptreact', extensions: 'jsx', grammar: JAVASCRIPT, ...SHARED },
  {
    id: 'coffeescript',
    braceless: true,
    extensions: 'coffee',
    comments: { line: /^\s*#(?!\[|!\[|##)/, blocks: [['###', '###']] },
    headEnds: 'line',
    patterns: [
      { kind: 'class', test: /^\s*(?:export\s+)?(?:default\s+)?class\s+([\w$.]+)/ },
      {
        kind: 'function',
        test: /^\s*(?:(?:module\.)?exports\.|@|[\w$.]+::|this\.)?([A-Za-z_$][\w$]*)\s*[=:]\s*(?:\([^)]*\)\s*)?[-=]>/,
      },
      { kind: 'constant', test: /^([A-Z][A-Z\d_]*)\s*=(?!=)/ },
    ],
    imports: [/\brequire\s*\(?\s*['"]([^'"\n]+)['"]/g, /^\s*import\b[^'"\n]*['"]([^'"\n]+)['"]/gm],
  },
];
