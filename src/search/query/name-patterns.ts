/** Patterns of identifiers and file names within a sentence. */

export const IDENTIFIER_PATTERN = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/** Extensions of source, configuration and documentation files. They distinguish `sessions.py` from `key.lower`. */
const EXTENSIONS = new Set(
  (
    'py pyi ipynb js mjs cjs ts mts cts tsx jsx go rs java kt kts scala c h cc cpp cxx hpp hh cs rb php sh ' +
    'bash zsh css scss less html htm vue svelte md mdx rst txt json jsonc ' +
    ('yaml yml toml ini cfg conf xml sql proto graphql swift m mm lua pl r jl ex exs erl hs ml fs dart gradle ' +
      'cmake mk dockerfile lock')
  ).split(' '),
);

/** Whether text is a path or file name: `src/app/main`, `sessions.py`, `docs/guide.md`, but not `and/or` or `I/O`. */
export function looksLikeFile(text: string): boolean {
  const name = text.slice(text.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot > 0 && EXTENSIONS.has(name.slice(dot + 1))) return true;
  return (text.match(/\//g) ?? []).length >= 2 && /^[\w@.-]{2,}(\/[\w@.-]{2,})+$/.test(text);
}

/**
 * Whether a token of a sentence is a name of code: `resolve_redirects`, `CaseInsensitiveDict`, `getItem`, `__init__`,
 * `dumps(`, the parts of `key.lower`. Kebab-case alone is ordinary English ("well-known").
 * @param after the text after the token
 * @param before the text between the previous token and this one
 */
export function looksLikeIdentifier(token: string, after: string, before: string): boolean {
  if (!IDENTIFIER_PATTERN.test(token)) return false;
  if (/[_$]/.test(token)) return /[\p{L}\p{N}]/u.test(token);
  if (token.includes('-')) return false;
  if (/\p{Ll}\p{Lu}/u.test(token) || /\p{Lu}{2}\p{Ll}{2}/u.test(token)) return true;
  if (after.startsWith('(')) return /^\p{L}/u.test(token) && after[1] !== 's' && token.length > 1;
  if (/^\.\p{L}/u.test(after) || before === '.') return token.length > 1;
  return /^\p{L}+\d+\p{L}*$/u.test(token) && token.length > 3;
}

/** Whether a token is a lower-case letter alone ("What does g hold?"), which only code has for a name. */
export function isLoneLetter(token: string, before: string, after: string): boolean {
  return /^[b-hj-z]$/.test(token) && /^\s?$/.test(before) && /^(?:[\s`"'),?!:;]|\.(?!\p{L})|$)/u.test(after);
}
