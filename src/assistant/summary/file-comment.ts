/** Finds the text that describes a file: the comment at its top, or the first paragraph of a prose document. */
import { isBlank } from '../../base';
import type { Document, SegmentedDocument } from '../../workspace';
import { firstSentence } from '../facts';
import { firstProse } from './first-prose';

/** Comments for tools, not for readers. */
const MAGIC_COMMENT =
  /^\s*(frozen_string_literal|encoding|coding|warn_indent|typed|rubocop|c8 ignore|istanbul|v8 ignore|jshint|jslint|globals?|vim?|clang-format|go:|\+build|nolint|@flow|flow)\b/i;

/** The file's description. Licences and text without words are skipped. Undefined if there is none. */
export function fileComment(
  document: Document,
  segmented: SegmentedDocument,
  lines: readonly string[],
): string | undefined {
  const heading = segmented.symbols.find((symbol) => symbol.kind === 'heading');
  if (segmented.method === 'headings') {
    const preamble = heading ? firstProse(lines, frontMatterEnd(lines), heading.startLine - 1) : undefined;
    return preamble ?? firstProse(lines, heading ? heading.startLine : frontMatterEnd(lines), lines.length);
  }
  const first = segmented.symbols.reduce(
    (least, symbol) => Math.min(least, symbol.docLine ?? symbol.startLine, symbol.startLine),
    lines.length + 1,
  );
  const blocks: string[][] = [[]];
  for (const raw of lines.slice(0, Math.min(first - 1, 80))) {
    const comment =
      /^\s*(?:\/\/+!?|#(?!include|!|define|pragma|if|end)+|\/\*+!?|\*+(?!\/)|--|"""|''')\s?(.*?)(?:\*\/|"""|''')?\s*$/.exec(
        raw,
      );
    const inDocstring = document.language === 'python' && /^\s*("""|''')/.test(lines[0] ?? '');
    if (comment && comment[1] !== undefined && MAGIC_COMMENT.test(comment[1])) blocks.push([]);
    else if (comment && comment[1] !== undefined) blocks[blocks.length - 1]?.push(comment[1]);
    else if (inDocstring && !/^\s*(import|from)\b/.test(raw))
      blocks[blocks.length - 1]?.push(raw.replace(/("""|''')/, ''));
    else if (isBlank(raw)) blocks.push([]);
    else break;
  }
  const telling = blocks
    .map((block) => block.join('\n').trim())
    .find(
      (text) => text.length > 0 && !/licen[sc]e|copyright|©|SPDX|eslint-|-\*-|pylint|noqa|@ts-|prettier-/i.test(text),
    );
  const said = telling ? firstSentence(telling, 280) : undefined;
  return said !== undefined && /\p{L}{2}/u.test(said) ? said : undefined;
}

/** Last line of the YAML front matter, or 0 if there is none. */
function frontMatterEnd(lines: readonly string[]): number {
  if (lines[0]?.trim() !== '---') return 0;
  return lines.findIndex((line, index) => index > 0 && line.trim() === '---') + 1;
}
