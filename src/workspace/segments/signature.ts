import { entryOf } from '../languages';
import type { Language } from '../types';

const MAX_SIGNATURE = 200;
const MAX_SCAN = 1_200;
const ALL_QUOTES = `"'\``;

/**
 * Returns a declaration's head on one line: everything before its body. `{`, `=>` or a Python colon ends it. In
 * languages whose bodies have no opening mark, the end of the line outside brackets ends it.
 */
export function signatureOf(text: string, start: number, end: number, language: Language): string {
  const limit = Math.min(end, start + MAX_SCAN, text.length);
  const { headEnds = 'brace', quotes = ALL_QUOTES } = entryOf(language);
  let depth = 0;
  let stop = limit;
  let quote = 0;
  scan: for (let i = start; i < limit; i++) {
    const code = text.charCodeAt(i);
    if (quote !== 0) {
      if (code === BACKSLASH) i++;
      else if (code === quote || code === NEWLINE) quote = 0;
      continue;
    }
    switch (code) {
      case DOUBLE:
      case SINGLE:
      case BACKTICK:
        if (quotes.includes(text.charAt(i))) quote = code;
        break;
      case 40:
      case 91:
        depth++;
        break; // ( [
      case 41:
      case 93:
        depth--;
        break; // ) ]
      case 123: // {
        if (depth <= 0) {
          stop = i;
          break scan;
        }
        depth++;
        break;
      case 125:
        depth--;
        break; // }
      case 58: // :
        if (depth <= 0 && headEnds === 'colon') {
          stop = i;
          break scan;
        }
        break;
      case 59: // ;
        if (depth <= 0) {
          stop = i;
          break scan;
        }
        break;
      case NEWLINE:
        if (depth <= 0 && (headEnds === 'line' || (headEnds === 'colon' && i > start))) {
          stop = i;
          break scan;
        }
        break;
      default:
    }
  }
  const head = text
    .slice(start, stop)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\s*(?:=>|=)$/, '');
  return head.length > MAX_SIGNATURE ? `${head.slice(0, MAX_SIGNATURE - 1)}…` : head;
}

const NEWLINE = 10;
const DOUBLE = 34;
const SINGLE = 39;
const BACKSLASH = 92;
const BACKTICK = 96;
