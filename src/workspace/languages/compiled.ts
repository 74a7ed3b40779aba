import { BRACES } from './ecmascript';
import type { Declaration, LanguageEntry, Pattern } from './entry';

const JVM_IMPORTS = [/^\s*import\s+(?:static\s+)?([\w.*]+)/gm];

const isPublic = ({ head, outerKind }: Declaration): boolean =>
  /\bpublic\b/.test(head) || outerKind === 'interface' || outerKind === 'enum';

const KOTLIN: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:[\w@()"., ]+\s)?(?:class|object)\s+([A-Za-z_]\w*)/ },
  { kind: 'interface', test: /^\s*(?:\w+\s+)*interface\s+([A-Za-z_]\w*)/ },
  { kind: 'function', test: /^\s*(?:\w+\s+)*fun\s+(?:<[^>]*>\s*)?(?:[\w<>?.]+\.)?(`[^`]+`|[A-Za-z_]\w*)\s*\(/ },
  { kind: 'constant', test: /^\s{0,4}(?:\w+\s+)*va[lr]\s+([A-Za-z_]\w*)/ },
  { kind: 'constant', test: /^\s*(?:\w+\s+)*const\s+val\s+([A-Za-z_]\w*)/ },
  { kind: 'type', test: /^\s*(?:\w+\s+)*typealias\s+([A-Za-z_]\w*)/ },
];

/** Class-based languages with braces that run on virtual machines. */
export const MANAGED: readonly LanguageEntry[] = [
  {
    id: 'java',
    extensions: 'java',
    grammar: {
      name: 'java',
      query: `
(class_declaration name: (_) @name) @class
(record_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(annotation_type_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(enum_constant name: (_) @name) @constant
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(compact_constructor_declaration name: (_) @name) @method
(field_declaration declarator: (variable_declarator name: (_) @name)) @field
(constant_declaration declarator: (variable_declarator name: (_) @name)) @constant`,
    },
    patterns: BRACES,
    imports: JVM_IMPORTS,
    isExported: isPublic,
  },
  {
    id: 'csharp',
    extensions: 'cs csx',
    grammar: {
      name: 'c-sharp',
      query: `
(class_declaration name: (_) @name) @class
(record_declaration name: (_) @name) @class
(struct_declaration name: (_) @name) @struct
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(enum_member_declaration name: (_) @name) @constant
(delegate_declaration name: (_) @name) @type
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(destructor_declaration name: (_) @name) @method
(local_function_statement name: (_) @name) @function
(property_declaration name: (_) @name) @field
(event_declaration name: (_) @name) @field
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @field
(event_field_declaration (variable_declaration (variable_declarator name: (_) @name))) @field
(namespace_declaration name: (_) @name) @namespace`,
    },
    patterns: BRACES,
    imports: [/^\s*(?:global\s+)?using\s+(?:static\s+)?(?:\w+\s*=\s*)?([\w.]+)\s*;/gm],
    isExported: isPublic,
  },
  { id: 'kotlin', extensions: 'kt kts', patterns: KOTLIN, nameQuotes: /`/g, imports: JVM_IMPORTS },
  {
    id: 'scala',
    extensions: 'scala sc',
    patterns: [
      { kind: 'class', test: /^\s*(?:[\w[\]]+\s+)*(?:class|object)\s+([A-Za-z_]\w*)/ },
      { kind: 'trait', test: /^\s*(?:\w+\s+)*trait\s+([A-Za-z_]\w*)/ },
      { kind: 'function', test: /^\s*(?:[\w[\]]+\s+)*def\s+(`[^`]+`|[A-Za-z_]\w*)/ },
      { kind: 'enum', test: /^\s*(?:\w+\s+)*enum\s+([A-Z]\w*)/ },
      { kind: 'type', test: /^\s*(?:\w+\s+)*type\s+([A-Z]\w*)/ },
      { kind: 'constant', test: /^\s*(?:\w+\s+)*given\s+([A-Za-z_]\w*)\s*(?::|with\b)/ },
      { kind: 'field', test: /^\s*(?:[\w[\]]+\s+)*va[lr]\s+([A-Za-z_]\w*)/ },
    ],
    nameQuotes: /`/g,
    imports: JVM_IMPORTS,
  },
  {
    id: 'groovy',
    extensions: 'groovy gradle',
    names: 'jenkinsfile',
    interpreters: /^groovy$/,
    patterns: [
      ...KOTLIN,
      {
        kind: 'function',
        test: /^\s*(?!(?:return|else|if|for|while|switch|new|throw|case)\b)(?:[\w<>[\],?.]+\s+)+([A-Za-z_]\w*)\s*\([^)]*\)\s*\{/,
      },
      { kind: 'rule', test: /^(?:task|pipeline|stage)\s+(?:'|")?([A-Za-z_]\w*)/ },
    ],
    imports: JVM_IMPORTS,
  },
  {
    id: 'dart',
    extensions: 'dart',
    patterns: [
      { kind: 'class', test: /^\s*(?:abstract\s+|final\s+|sealed\s+)*(?:class|mixin|extension)\s+([A-Za-z_]\w*)/ },
      { kind: 'enum', test: /^\s*enum\s+([A-Za-z_]\w*)/ },
      { kind: 'type', test: /^typedef\s+([A-Za-z_]\w*)/ },
      { kind: 'constant', test: /^(?:const|final)\s+(?:[\w<>?]+\s+)?([A-Za-z_]\w*)\s*=/ },
      // A constructor sets fields, or says that it is one.
      { kind: 'method', test: /^\s+(?:const\s+|factory\s+)?([A-Z]\w*(?:\.\w+)?)\((?=[^)]*\b(?:this|super)\.)/ },
      { kind: 'method', test: /^\s+(?:const\s+)?factory\s+([A-Z]\w*(?:\.\w+)?)\(/ },
      {
        kind: 'method',
        test: /^\s+(?:static\s+|external\s+)*(?:[A-Za-z_][\w<>?,]*\s+)?(?:get|set)\s+([A-Za-z_]\w*)\s*(?:=>|\{|\(|async\b)/,
      },
      {
        kind: 'function',
        test: /^\s*(?!(?:return|else|if|for|while|switch|await|throw)\b)(?:static\s+|external\s+)*[A-Za-z_][\w<>?,\s]*\s([A-Za-z_]\w*)\s*\([^;]*(?:\{|=>)/,
      },
    ],
    imports: [/^\s*(?:import|export|part)\s+['"]([^'"\n]+)['"]/gm],
  },
];

/** Languages that compile to machine code. */
export const SYSTEMS: readonly LanguageEntry[] = [
  {
    id: 'go',
    extensions: 'go',
    grammar: {
      name: 'go',
      query: `
(function_declaration name: (_) @name) @function
(method_declaration receiver: (_) @receiver name: (_) @name) @method
(type_spec name: (_) @name type: (struct_type)) @struct
(type_spec name: (_) @name type: (interface_type)) @interface
(type_spec name: (_) @name) @type
(type_alias name: (_) @name) @type
(source_file (const_declaration (const_spec name: (_) @name) @constant))
(source_file (var_declaration (var_spec name: (_) @name) @variable))
(source_file (var_declaration (var_spec_list (var_spec name: (_) @name) @variable)))
(method_elem name: (_) @name) @method
(type_declaration (type_spec type: (struct_type (field_declaration_list (field_declaration name: (_) @name) @field))))`,
    },
    patterns: [
      { kind: 'function', test: /^func\s+(?:\([^)]*\)\s*)?(\w+)/ },
      { kind: 'type', test: /^type\s+(\w+)/ },
    ],
    imports: [/^import\s*(?:[\w.]+\s+)?"([^"\n]+)"/gm],
    importBlocks: { block: /^import\s*\(([\s\S]{0,20000}?)^\)/gm, specifier: /"([^"\n]+)"/g },
    isExported: ({ name }) => /^\p{Lu}/u.test(name),
  },
  {
    id: 'rust',
    extensions: 'rs',
    grammar: {
      name: 'rust',
      query: `
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(union_item name: (_) @name) @struct
(enum_item name: (_) @name) @enum
(enum_variant name: (_) @name) @constant
(trait_item name: (_) @name) @trait
(type_item name: (_) @name) @type
(associated_type name: (_) @name) @type
(mod_item name: (_) @name) @module
(macro_definition name: (_) @name) @macro
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @variable
(struct_item body: (field_declaration_list (field_declaration name: (_) @name) @field))
(impl_item type: (_) @name) @scope`,
    },
    patterns: [
      { kind: 'function', test: /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+)*fn\s+(\w+)/ },
      { kind: 'struct', test: /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:struct|enum|union)\s+(\w+)/ },
      { kind: 'trait', test: /^\s*(?:pub\s+)?trait\s+(\w+)/ },
    ],
    // A single ' may begin a lifetime.
    quotes: '"`',
    imports: [/^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([\w:]+)/gm, /^\s*(?:pub\s+)?mod\s+(\w+)\s*;/gm],
    isExported: ({ head, outerKind }) => /\bpub\b/.test(head) || outerKind === 'trait',
  },
  {
    id: 'swift',
    extensions: 'swift',
    interpreters: /^swift$/,
    patterns: [
      { kind: 'class', test: /^\s*(?:@?\w+\s+)*(?:class|actor|extension)\s+(?!func\b|var\b|let\b)([A-Za-z_][\w.]*)/ },
      { kind: 'struct', test: /^\s*(?:@?\w+\s+)*struct\s+([A-Za-z_]\w*)/ },
      { kind: 'enum', test: /^\s*(?:@?\w+\s+)*enum\s+([A-Za-z_]\w*)/ },
      { kind: 'interface', test: /^\s*(?:@?\w+\s+)*protocol\s+([A-Za-z_]\w*)/ },
      { kind: 'function', test: /^\s*(?:@?[\w()]+\s+)*func\s+(`[^`]+`|[A-Za-z_]\w*|[-+*/%=<>!&|^~?]+)/ },
      { kind: 'function', test: /^\s*(?:@?\w+\s+)*(init|deinit|subscript)\b\s*[?!]?\s*[<({]/ },
      { kind: 'constant', test: /^(?:@?[\w()]+\s+)*let\s+([A-Za-z_]\w*)/ },
      { kind: 'field', test: /^\s*(?:@?[\w()]+\s+)*(?:var|let)\s+([A-Za-z_]\w*)/ },
      { kind: 'type', test: /^\s*(?:\w+\s+)*typealias\s+([A-Za-z_]\w*)/ },
    ],
    nameQuotes: /`/g,
    imports: [/^\s*(?:@\w+\s+)?import\s+([\w.]+)/gm],
  },
  {
    id: 'zig',
    extensions: 'zig',
    patterns: [
      { kind: 'function', test: /^\s*(?:pub\s+|export\s+|inline\s+)*fn\s+([A-Za-z_]\w*)/ },
      {
        kind: 'struct',
        test: /^\s*(?:pub\s+)?const\s+([A-Za-z_]\w*)\s*(?::\s*type\s*)?=\s*(?:packed\s+|extern\s+)?(?:struct|union|opaque)\b/,
      },
      { kind: 'enum', test: /^\s*(?:pub\s+)?const\s+([A-Za-z_]\w*)\s*=\s*enum\b/ },
      { kind: 'constant', test: /^(?:pub\s+)?(?:const|var)\s+([A-Za-z_]\w*)/ },
      { kind: 'field', test: /^\s+(?:pub\s+)?const\s+([A-Za-z_]\w*)/ },
      { kind: 'function', test: /^\s*test\s+"([^"]+)"/ },
    ],
    imports: [/@import\(\s*"([^"\n]+)"/g],
  },
];
