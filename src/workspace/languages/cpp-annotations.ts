/**
 * Words in the names of compiler and checker annotations: `GUARDED_BY(mutex_)`, `PRINTF_FORMAT(1, 2)`, `STORE_EXPORT`.
 */
const ANNOTATION =
  'GUARDED|REQUIRE[DS]|ACQUIRE|RELEASE|EXCLUDES|CAPABILITY|LOCK_RETURNED|THREAD_SAFETY|ATTRIBUTE|' +
  'DEPRECATED|PRINTF|NORETURN|NODISCARD|UNUSED|NONNULL|ALIGN(?:ED|AS)';
const MACROS = new RegExp(
  [
    // Preprocessor lines are kept.
    '^[ \\t]*#.*$',
    `\\b[A-Z][A-Z0-9_]*(?:${ANNOTATION})[A-Z0-9_]*\\s*\\((?:[^()]|\\([^()]*\\)){0,200}\\)`,
    `\\b(?:${ANNOTATION})[A-Z0-9_]*\\s*\\((?:[^()]|\\([^()]*\\)){0,200}\\)`,
    '(?<=\\b(?:class|struct|union|enum)[ \\t]+)[A-Z][A-Z0-9_]*_(?:EXPORT|API|PUBLIC|DLL|VISIBLE|DECL)\\b(?=\\s+\\w)',
  ].join('|'),
  'gm',
);

/**
 * Blanks out annotation macros of C and C++. Without a preprocessor they mislead the parser for hundreds of lines
 * (`int count_ GUARDED_BY(mutex_);`, `class STORE_EXPORT Store {`). The result has the same length and line ends.
 */
export function withoutAnnotations(text: string): string {
  return text.replace(MACROS, (found) => (/^[ \t]*#/.test(found) ? found : found.replace(/[^\n]/g, ' ')));
}
