/** The language table: detection of a file's language, and everything specific to a language (entry.ts). */
export { languageOf } from './detect';
export type { CommentSyntax, Declaration, GrammarEntry, LanguageEntry, Markup, Pattern } from './entry';
export { TYPE_KINDS } from './kinds';
export { SLASHES } from './comment-syntax';
export { entryOf, LANGUAGES } from './table';
