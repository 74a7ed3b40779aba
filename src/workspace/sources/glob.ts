/**
 * VS Code's globs (`files.exclude`): `*` and `?` within a path segment, `**` over segments, `{a,b}`, `[a-z]`, `[!a-z]`.
 * A pattern is matched against the path relative to the workspace folder, so `*.log` means the folder's own files only.
 */
export function globToRegExp(glob: string, ignoreCase: boolean): RegExp {
  const pattern = glob
    .replace(/\\/g, '/')
    .replace(/^\.?\//, '')
    .replace(/\/$/, '');
  return new RegExp(`^${translate(pattern)}$`, ignoreCase ? 'iu' : 'u');
}

function translate(pattern: string): string {
  let out = '';
  for (let i = 0; i < pattern.length;) {
    const character = pattern[i] ?? '';
    if (
      pattern.startsWith('**', i) &&
      (i === 0 || '/{,'.includes(pattern[i - 1] ?? '')) &&
      (i + 2 >= pattern.length || '/,}'.includes(pattern[i + 2] ?? ''))
    ) {
      if (pattern[i + 2] === '/') {
        out += '(?:[^/]+/)*';
        i += 3;
      } else {
        out += '.*';
        i += 2;
      }
      continue;
    }
    if (character === '*') {
      while (pattern[i] === '*') i++;
      out += '[^/]*';
      continue;
    }
    if (character === '{') {
      const close = matchingBrace(pattern, i);
      if (close > 0) {
        out += `(?:${alternatives(pattern.slice(i + 1, close))
          .map(translate)
          .join('|')})`;
        i = close + 1;
        continue;
      }
    }
    if (character === '[') {
      const set = /^\[([!^]?)([^\]/]+)\]/.exec(pattern.slice(i));
      if (set) {
        out += `[${set[1] ? '^/' : ''}${(set[2] ?? '').replace(/[\\[\]^]/g, '\\$&')}]`;
        i += set[0].length;
        continue;
      }
    }
    out += character === '?' ? '[^/]' : character.replace(/[.+^${}()|[\]\\/]/u, '\\$&');
    // A surrogate pair is one character of a `u` expression; both units are copied as they are.
    i++;
  }
  return out;
}

function matchingBrace(pattern: string, open: number): number {
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    else if (pattern[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

function alternatives(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}
