/**
 * Words by which annotations for a compiler or a checker are known: `GUARDED_BY(mutex_)`, `PRINTF_FORMAT(1, 2)`,
 * `STORE_EXPORT`.
 */
const ANNOTATION =
  'GUARDED|REQUIRE[DS]|ACQUIRE|RELEASE|EXCLUDES|CAPABILITY|LOCK_RETURNED|THREAD_SAFETY|ATTRIBUTE|DEPRECATED|PRINTF|NORETURN|NODISCARD|UNUSED|NONNULL|ALIGN(?:ED|AS)';
const MACROS = new RegExp(
  [
    // Lines of the preprocessor itself stay.
    '^[ \\t]*#.*$',
    `\\b[A-Z][A-Z0-9_]*(?:${ANNOTATION})[A-Z0-9_]*\\s*\\((?:[^()]|\\([^()]*\\)){0,200}\\)`,
    `\\b(?:${ANNOTATION})[A-Z0-9_]*\\s*\\((?:[^()]|\\([^()]*\\)){0,200}\\)`,
    '(?<=\\b(?:class|struct|union|enum)[ \\t]+)[A-Z][A-Z0-9_]*_(?:EXPORT|API|PUBLIC|DLL|VISIBLE|DECL)\\b(?=\\s+\\w)',
  ].join('|'),
  'gm',
);

/**
 * The text of a C or C++ file as a parser without a preprocessor can read it, of the same length: annotations that
 * would make it lose its way for hundreds of lines (`int count_ GUARDED_BY(mutex_);`, `class STORE_EXPORT Store {`) are
 * blanked out.
 */
export function withoutAnnotations(text: string): string {
  return text.replace(MACROS, (found) => (/^[ \t]*#/.test(found) ? found : found.replace(/[^\n]/g, ' ')));
}
