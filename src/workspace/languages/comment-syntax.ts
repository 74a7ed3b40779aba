import type { CommentSyntax } from './entry';

const C_BLOCK = ['/*', '*/'] as const;
const MARKUP_BLOCK = ['<!--', '-->'] as const;

/** Comment forms that several languages share. */
export const SLASHES: CommentSyntax = { line: /^\s*\/\/[/!]?/, blocks: [C_BLOCK] };
export const BLOCKS_ONLY: CommentSyntax = { blocks: [C_BLOCK] };
/** `#[` and `#![` are attributes. */
export const HASH: CommentSyntax = { line: /^\s*#(?!\[|!\[)/, blocks: [] };
export const HASH_OR_SLASHES: CommentSyntax = { line: /^\s*(?:\/\/|#(?!\[))/, blocks: [C_BLOCK] };
export const DASHES: CommentSyntax = { line: /^\s*--/, blocks: [C_BLOCK] };
export const SEMICOLONS: CommentSyntax = { line: /^\s*;+/, blocks: [] };
export const PERCENT: CommentSyntax = { line: /^\s*%+/, blocks: [] };
export const MARKUP: CommentSyntax = { blocks: [MARKUP_BLOCK] };
/** Comments of a file with script, style and template. */
export const COMPONENT: CommentSyntax = { line: /^\s*\/\/[/!]?/, blocks: [C_BLOCK, MARKUP_BLOCK] };
/** Strings that document what follows, or the head above them. */
export const QUOTED_TEXT: CommentSyntax['blocks'] = [
  ['"""', '"""'],
  ['"', '"'],
];
export const PARENTHESIS_STARS: CommentSyntax = { blocks: [['(*', '*)']] };
