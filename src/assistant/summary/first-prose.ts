import { isBlank } from '../../base';
import { firstSentence } from '../facts';

/** Characters that the first sentence is looked for in. */
const MAX_PARAGRAPH = 2_000;
const ADORNMENT = /^[=\-~^"*+#'`:.]{3,}\s*$/;

/**
 * The first sentence of the first paragraph below a heading. Code, directives, pictures and lines without words are
 * skipped. Undefined if there is none.
 */
export function firstProse(lines: readonly string[], headingLine: number, last: number): string | undefined {
  const paragraph: string[] = [];
  let length = 0;
  let inFence = false;
  for (let line = headingLine + 1; line <= Math.min(last, lines.length); line++) {
    const text = lines[line - 1] ?? '';
    // A title may be underlined or overlined with tildes. Such a line does not begin a fence.
    const isUnderline = ADORNMENT.test(text) && !isBlank(lines[line - 2] ?? '') && !inFence;
    if (!inFence && !isBlank(text) && ADORNMENT.test(lines[line - 2] ?? '') && ADORNMENT.test(lines[line] ?? ''))
      continue;
    if (/^\s*(```|~~~)/.test(text) && !isUnderline) inFence = !inFence;
    const skipped =
      inFence ||
      !/[\p{L}\p{N}]/u.test(text) ||
      /^\s*(```|~~~|\.\.\s|:\w[\w-]*:|<!--|!\[|\[!\[|\[page \d+\]$|\[[^\]]+\]:\s*\S|(?:next|previous|prev|up):\s|[=\-~^"*+#'`:.]{3,}\s*$|<[a-z/])/i.test(
        text,
      );
    if (isBlank(text) || skipped) {
      if (paragraph.length > 0) break;
      continue;
    }
    if (/^#{1,6}\s/.test(text) || length > MAX_PARAGRAPH) break;
    length += text.length;
    paragraph.push(
      text
        .trim()
        .replace(/^([-*+]|\d+[.)])\s+/, '')
        .replace(/^>\s*/, ''),
    );
  }
  return paragraph.length > 0 ? firstSentence(paragraph.join('\n'), 220) : undefined;
}
