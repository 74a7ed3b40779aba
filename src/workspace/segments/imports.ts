import type { Language } from '../types';

const ECMASCRIPT = [
  /^\s*(?:import|export)\b[^'"`;]{0,2000}?\bfrom\s*['"]([^'"\n]+)['"]/gm,
  /^\s*import\s*['"]([^'"\n]+)['"]/gm,
  /\b(?:require|import)\(\s*['"]([^'"\n]+)['"]\s*\)/g,
];
const C = [/^\s*#\s*(?:include|import)\s*[<"]([^>"\n]+)[>"]/gm];
const JVM = [/^\s*import\s+(?:static\s+)?([\w.*]+)/gm];
const STYLES = [/@(?:import|use|forward)\s+(?:url\()?\s*['"]([^'"\n]+)['"]/g];

/** How each language names what it uses; the first group is the specifier. */
const IMPORTS: Readonly<Record<Language, readonly RegExp[]>> = {
  typescript: ECMASCRIPT,
  typescriptreact: ECMASCRIPT,
  javascript: ECMASCRIPT,
  javascriptreact: ECMASCRIPT,
  svelte: ECMASCRIPT,
  vue: ECMASCRIPT,
  python: [/^[ \t]*from\s+([.\w]+)\s+import\b/gm, /^[ \t]*import\s+([\w.]+)/gm],
  rust: [/^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([\w:]+)/gm, /^\s*(?:pub\s+)?mod\s+(\w+)\s*;/gm],
  java: JVM,
  kotlin: JVM,
  scala: JVM,
  groovy: JVM,
  csharp: [/^\s*(?:global\s+)?using\s+(?:static\s+)?(?:\w+\s*=\s*)?([\w.]+)\s*;/gm],
  c: C,
  cpp: C,
  'cuda-cpp': C,
  'objective-c': C,
  ruby: [/^\s*(?:require|require_relative|load)\s*\(?\s*['"]([^'"\n]+)['"]/gm],
  php: [
    /^\s*use\s+(?:function\s+|const\s+)?([\w\\]+)/gm,
    /\b(?:require|include)(?:_once)?\s*\(?\s*(?:__DIR__\s*\.\s*)?['"]([^'"\n]+)['"]/g,
  ],
  shellscript: [/^\s*(?:source|\.)\s+["']?([^\s"';|&]+)/gm],
  css: STYLES,
  scss: STYLES,
  less: STYLES,
  swift: [/^\s*(?:@\w+\s+)?import\s+([\w.]+)/gm],
  lua: [/\brequire\s*\(?\s*['"]([^'"\n]+)['"]/g],
  perl: [/^\s*(?:use|require)\s+([A-Z][\w:]*)/gm],
  elixir: [/^\s*(?:alias|import|use|require)\s+([\w.]+)/gm],
  haskell: [/^import\s+(?:qualified\s+)?([\w.]+)/gm],
  dart: [/^\s*(?:import|export|part)\s+['"]([^'"\n]+)['"]/gm],
  proto3: [/^\s*import\s+(?:public\s+)?"([^"\n]+)"/gm],
  html: [/<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"\n]+)"/g],
  restructuredtext: [/^\.\.\s+(?:include|literalinclude|toctree)::\s*(\S+)/gm],
};

const GO_BLOCK = /^import\s*(?:\(([\s\S]{0,20000}?)^\)|(?:[\w.]+\s+)?"([^"\n]+)")/gm;
const MAX_IMPORTS = 500;
/** Imports stand near the top; a scan of more than this is not worth its time. */
const MAX_SCAN = 400_000;

/** What a text imports, each specifier once, in order. */
export function importsOf(text: string, language: Language): string[] {
  const scanned = text.length > MAX_SCAN ? text.slice(0, MAX_SCAN) : text;
  const found = new Set<string>();
  if (language === 'go') {
    for (const match of scanned.matchAll(GO_BLOCK)) {
      if (match[2]) found.add(match[2]);
      for (const spec of (match[1] ?? '').matchAll(/"([^"\n]+)"/g)) if (spec[1]) found.add(spec[1]);
    }
  }
  for (const pattern of IMPORTS[language] ?? []) {
    for (const match of scanned.matchAll(pattern)) {
      if (match[1] && found.size < MAX_IMPORTS) found.add(match[1]);
    }
  }
  return [...found];
}
