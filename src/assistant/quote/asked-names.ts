/** Cites the defining lines of identifiers in the question that the quoted passages do not already show. */
import * as l10n from '@vscode/l10n';
import type { RankedSpan } from '../../protocol';
import type { CitationList } from '../citations';
import { code } from '../facts';
import type { Document } from '../../workspace';
import { linesInFile } from './cited-lines';
import type { PassageSource } from './passage-source';
import type { Question } from '../../search';

/** Further identifiers of the question are left out. */
const MAX_NAMES = 8;
/** Longer lines are cut. */
const MAX_LINE_CHARACTERS = 160;

/** Lists a line for each of the first names in the question that `shown` lacks. Undefined if there is none. */
export async function askedNamesBlock(
  { names, text: asked }: Question,
  shown: string,
  spans: readonly RankedSpan[],
  source: PassageSource,
  citations: CitationList,
): Promise<string | undefined> {
  // A capitalized word may be a plain word, so it counts as a name only if the question marks it as code.
  const named = names.filter((name) => !/^\p{Lu}\p{Ll}+$/u.test(name) || asked.includes(`\`${name}`));
  const missing = named.filter((name) => !wordOf(name).test(shown)).slice(0, MAX_NAMES);
  const lines: string[] = [];
  for (const name of missing) {
    const found = await lineOf(name, spans, source);
    if (!found) continue;
    const {
      span: { file, path },
      line,
      text,
      document,
    } = found;
    const { startLine } = linesInFile(document, { startLine: line, endLine: line });
    const { number } = citations.cite({ file, path, startLine: line, endLine: line, text, label: name });
    const said = text.trim();
    lines.push(
      `- ${l10n.t('{0} at {1}', code(name), code(`${path}:${startLine}`))}: ` +
        `${code(said.length > MAX_LINE_CHARACTERS ? `${said.slice(0, MAX_LINE_CHARACTERS)}…` : said)} [${number}]`,
    );
  }
  return lines.length === 0 ? undefined : [l10n.t('Named in the question:'), '', ...lines].join('\n');
}

interface Place {
  span: RankedSpan;
  document: Document;
  line: number;
  text: string;
}

/** The line that defines or assigns a name, in the best span that has one; else the first line with the name. */
async function lineOf(name: string, spans: readonly RankedSpan[], source: PassageSource): Promise<Place | undefined> {
  const word = wordOf(name);
  const gives = new RegExp(
    `\\b(?:def|function|func|fn|class|interface|struct|enum|trait|type)\\s+${word.source}` +
      `|${word.source}\\s*(?::|=(?!=))`,
    'u',
  );
  let first: Place | undefined;
  for (const span of spans) {
    const opened = await source.open(span.file);
    if (!opened) continue;
    const { document, lines } = opened;
    for (let line = span.startLine; line <= Math.min(span.endLine, lines.length); line++) {
      const text = lines[line - 1] as string;
      if (!word.test(text)) continue;
      if (gives.test(text)) return { span, document, line, text };
      first ??= { span, document, line, text };
    }
  }
  return first;
}

function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}_$])${name.replace(/[$]/g, '\\$&')}(?![\\p{L}\\p{N}_$])`, 'u');
}
