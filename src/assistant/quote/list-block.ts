/** The list in an answer to "list all …": how many there are, each with its place, and whether the list is cut. */
import * as l10n from '@vscode/l10n';
import { formatNumber } from '../../base';
import type { Listing, ListItem } from '../../search';
import type { CitationList } from '../citations';
import { code } from '../facts';
import type { PassageSource } from './passage-source';

/** Maximum number of listed things. */
const MOST = 30;

export async function listBlock(
  { items, isPartial }: Listing,
  source: PassageSource,
  citations: CitationList,
): Promise<string | undefined> {
  const shown = items.slice(0, MOST);
  const files = new Set(shown.map(({ file }) => file));
  // Places stand beside the things where nearly each has a file of its own.
  const inline = files.size > shown.length / 2 && files.size > 1;
  const lines: string[] = [];
  let heading = '';
  for (const item of [...shown].sort(inline || files.size === 1 ? () => 0 : byFile(shown))) {
    const cited = await citationOf(item, source, citations);
    if (cited === undefined) continue;
    if (!inline && files.size > 1 && item.path !== heading)
      lines.push(...(lines.length > 0 ? [''] : []), `${code(item.path.slice(item.path.lastIndexOf('/') + 1))}:`, '');
    heading = item.path;
    lines.push(`- ${inline ? l10n.t('{0} in {1}', textOf(item), code(item.path)) : textOf(item)} [${cited}]`);
  }
  if (lines.length === 0) return undefined;
  const all = formatNumber(items.length);
  const first = formatNumber(MOST);
  const isCut = items.length > shown.length;
  const count = isPartial
    ? isCut
      ? l10n.t('At least {0} found; the first {1} are listed.', all, first)
      : l10n.t('At least {0} found.', all)
    : isCut
      ? l10n.t('{0} found; the first {1} are listed.', all, first)
      : l10n.t('{0} found.', all);
  const [only] = files.size === 1 ? shown : [];
  return `**${count}**${only ? ` ${code(only.path)}` : ''}\n\n${lines.join('\n')}`;
}

/** Things of one file together, files in the order of their first thing. */
function byFile(items: readonly ListItem[]): (a: ListItem, b: ListItem) => number {
  const files = [...new Set(items.map(({ file }) => file))];
  return (a, b) => files.indexOf(a.file) - files.indexOf(b.file);
}

/** Code as code, a sentence of a document as it stands. Numbers in brackets would read as citations. */
function textOf({ text, isProse }: ListItem): string {
  return isProse ? text.replace(/\[(\d+)\]/g, '($1)') : code(text);
}

async function citationOf(
  { file, path, startLine, endLine, text }: ListItem,
  source: PassageSource,
  citations: CitationList,
): Promise<number | undefined> {
  const opened = await source.open(file);
  if (!opened || endLine > opened.lines.length) return undefined;
  const lines = opened.lines.slice(startLine - 1, endLine).join('\n');
  return citations.cite({ file, path, startLine, endLine, text: lines, label: text }).number;
}
