const WORD = '\\p{L}\\p{M}\\p{N}_';
const UPPER = '\\p{Lu}\\p{Lt}';
/** Languages count letters of scripts without case as small ones. */
const LOWER = '\\p{Ll}\\p{Lo}\\p{Lm}';
const BORDER = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;

/**
 * Returns a pattern in which letters are those of every script, as in the programming languages themselves: `\w`, `\b`,
 * `A-Z` and `a-z` are written for ASCII and stand for all letters. Patterns stay legible in the table.
 */
export function inAnyScript(pattern: RegExp): RegExp {
  const { source, flags } = pattern;
  if (flags.includes('u')) return pattern;
  let result = '';
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const character = source.charAt(i);
    if (character === '\\') {
      result += escaped(source.charAt(++i), inClass);
    } else if (inClass && /^(?:A-Z|a-z)/.test(source.slice(i))) {
      result += character === 'A' ? UPPER : LOWER;
      i += 2;
    } else {
      if (character === '[') inClass = true;
      else if (character === ']') inClass = false;
      result += character;
    }
  }
  return new RegExp(result, `${flags}u`);
}

function escaped(character: string, inClass: boolean): string {
  if (character === 'w') return inClass ? WORD : `[${WORD}]`;
  if (character === 'W' && !inClass) return `[^${WORD}]`;
  if (character === 'b' && !inClass) return BORDER;
  // Unicode patterns allow no needless escapes.
  const needless = !/\w/.test(character) && !SYNTAX.test(character) && !(inClass && character === '-');
  return needless ? character : `\\${character}`;
}
