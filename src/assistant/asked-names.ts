/** A question may name several things that lie apart: each is to be shown where it stands, not only those that the best places hold. */
import type { RankedSpan } from '../protocol';
import type { CitationList } from './citations';
import { code } from './facts';
import type { FileShelf } from './passages';
import type { Question } from './question';

const MOST = 8;
const WIDTH = 160;

/** A line for each name of the question that nothing shown so far holds; undefined where there is none, or only one thing was asked for. */
export async function askedNamesBlock({ names }: Question, shown: string, spans: readonly RankedSpan[], shelf: FileShelf, citations: CitationList): Promise<string | undefined> {
  if (names.length < 2) return undefined;
  const missing = names.filter((name) => !wordOf(name).test(shown)).slice(0, MOST);
  const lines: string[] = [];
  for (const name of missing) {
    const found = await lineOf(name, spans, shelf);
    if (!found) continue;
    const { span: { file, path }, line, text } = found;
    const { number } = citations.cite({ file, path, startLine: line, endLine: line, text, label: name });
    const said = text.trim();
    lines.push(`- ${code(name)} at ${code(`${path}:${line}`)}: ${code(said.length > WIDTH ? `${said.slice(0, WIDTH)}…` : said)} [${number}]`);
  }
  return lines.length === 0 ? undefined : ['Also asked for:', '', ...lines].join('\n');
}

interface Place {
  span: RankedSpan;
  line: number;
  text: string;
}

/** The line that gives a name its value or body, in the best span that has one; else the first line that holds it. */
async function lineOf(name: string, spans: readonly RankedSpan[], shelf: FileShelf): Promise<Place | undefined> {
  const word = wordOf(name);
  const gives = new RegExp(`\\b(?:def|function|func|fn|class|interface|struct|enum|trait|type)\\s+${word.source}|${word.source}\\s*(?::|=(?!=))`, 'u');
  let first: Place | undefined;
  for (const span of spans) {
    const lines = (await shelf.open(span.file))?.lines ?? [];
    for (let line = span.startLine; line <= Math.min(span.endLine, lines.length); line++) {
      const text = lines[line - 1] as string;
      if (!word.test(text)) continue;
      if (gives.test(text)) return { span, line, text };
      first ??= { span, line, text };
    }
  }
  return first;
}

function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}_$])${name.replace(/[$]/g, '\\$&')}(?![\\p{L}\\p{N}_$])`, 'u');
}
