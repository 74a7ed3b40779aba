/** Units of a passage of prose: sentences, items of lists, rows of tables and blocks of code. */

/** Offsets are in the passage's text. */
export interface TextUnit {
  start: number;
  end: number;
  kind: 'sentence' | 'item' | 'row' | 'code';
}

/** Cuts a passage into units that can be quoted alone, in order. */
export function unitsOf(text: string): TextUnit[] {
  const units: TextUnit[] = [];
  let at = 0;
  let fence = '';
  for (const line of text.split('\n')) {
    const start = at;
    const end = at + line.length;
    at = end + 1;
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    const last = units.at(-1);
    if (mark) fence = fence === '' ? mark : '';
    const isCode = fence !== '' || mark !== undefined;
    if (isCode && last?.kind === 'code') last.end = end;
    else if (isCode) units.push({ start, end, kind: 'code' });
    else if (line.trim() === '') continue;
    else if (/^\s*\|/.test(line)) units.push({ start, end, kind: 'row' });
    else if (/^\s*(?:[-*+•·]|\d{1,3}[.)]|\([a-z\d]\))\s+\S/.test(line)) units.push({ start, end, kind: 'item' });
    else if (last && last.kind !== 'row' && last.kind !== 'code' && last.end + 1 === start) last.end = end;
    else units.push({ start, end, kind: 'sentence' });
  }
  return units.flatMap((unit) => (unit.kind === 'sentence' || unit.kind === 'item' ? sentencesOf(text, unit) : [unit]));
}

const SENTENCE_END =
  /(?:[.!?:;](?<!\b(?:i\.e|e\.g|cf|vs|resp|etc|z\.B|d\.h|bzw)\.)["”»)\]]*(?=\s+[\p{Lu}\p{Lo}`"'“«(\[*\d])|[。！？])/gu;

function sentencesOf(text: string, { start, end, kind }: TextUnit): TextUnit[] {
  const sentences: TextUnit[] = [];
  let from = start;
  for (const match of text.slice(start, end).matchAll(SENTENCE_END)) {
    const to = start + match.index + match[0].length;
    // The number of an item is no sentence.
    if (to - from < 12) continue;
    sentences.push({ start: from, end: to, kind });
    from = to;
    while (from < end && /\s/.test(text.charAt(from))) from++;
  }
  if (from < end) sentences.push({ start: from, end, kind });
  return sentences;
}
