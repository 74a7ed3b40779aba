/** Renders answers for a terminal: Markdown with styles, and citations as `path:line` links. */
import * as l10n from '@vscode/l10n';
import { pathToFileURL } from 'node:url';
import { formatNumber, printable, printableName } from '../base';
import type { Answer, Author, Citation, Explanation, Span, Summary, SummaryPart } from '../protocol';

export interface Style {
  /** Allows bold, dim, colours and links. */
  colour: boolean;
  width: number;
}

export function styleOf(stream: NodeJS.WriteStream): Style {
  const wanted = process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';
  return { colour: Boolean(stream.isTTY) && wanted, width: Math.min(stream.columns || 100, 120) };
}

export const bold = (text: string, { colour }: Style): string => (colour ? `\u001b[1m${text}\u001b[22m` : text);
export const dim = (text: string, { colour }: Style): string => (colour ? `\u001b[2m${text}\u001b[22m` : text);

/** `path:12-30` or `path, page 2`, as a link to the file if the terminal supports links (OSC 8). */
export function place({ file, path, startLine, endLine, place: part }: Span, style: Style): string {
  const lines = `${startLine}${endLine > startLine ? `-${endLine}` : ''}`;
  const text = `${printableName(path)}${part ? `, ${partText(part)}` : `:${lines}`}`;
  return style.colour ? `\u001b]8;;${pathToFileURL(file).href}#L${startLine}\u001b\\${text}\u001b]8;;\u001b\\` : text;
}

function partText({ kind, number }: NonNullable<Span['place']>): string {
  if (kind === 'page') return l10n.t('page {0}', number);
  return kind === 'section' ? l10n.t('section {0}', number) : l10n.t('cell {0}', number);
}

/** Renders the Markdown of answers: paragraphs, lists, quotes, fences, bold and code. */
export function renderMarkdown(markdown: string, style: Style): string {
  const out: string[] = [];
  let fence: string | undefined;
  for (const raw of markdown.split('\n')) {
    const line = printable(raw);
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark && (fence === undefined || line.trim() === fence)) {
      fence = fence === undefined ? mark : undefined;
      continue;
    }
    if (fence !== undefined) out.push(`    ${line}`);
    else out.push(inline(line, style));
  }
  return out.join('\n');
}

function inline(line: string, style: Style): string {
  return line
    .replace(/\*\*(.+?)\*\*/g, (_, text: string) => bold(text.replace(/`([^`]+)`/g, '$1'), style))
    .replace(/`` (.+?) ``|`([^`]+)`/g, (_, long: string | undefined, short: string | undefined) =>
      style.colour ? `\u001b[36m${long ?? short ?? ''}\u001b[39m` : (long ?? short ?? ''),
    )
    .replace(/\[(\d+)\]/g, (marker) => dim(marker, style));
}

export function renderSources(citations: readonly Citation[], style: Style): string {
  if (citations.length === 0) return '';
  const width = String(citations.length).length + 2;
  const lines = citations.map((citation) => {
    const label = citation.label === citation.path ? '' : `  ${dim(printable(citation.label), style)}`;
    const where = citation.commit === undefined ? place(citation, style) : printableName(citation.path);
    return `${`[${citation.number}]`.padStart(width)} ${where}${label}`;
  });
  return `${bold(l10n.t('Sources'), style)}\n${lines.join('\n')}`;
}

export function renderAuthor(author: Author): string {
  if (author.kind === 'extractive') return l10n.t('quoted from the sources');
  return author.kind === 'bundled'
    ? l10n.t('written by {0}, the bundled model', author.model)
    : l10n.t('written by {0}', author.model);
}

export function renderAnswer(answer: Answer, style: Style): string {
  return [renderMarkdown(answer.markdown, style), renderEnd(answer, style)].filter((part) => part !== '').join('\n\n');
}

/** Sources, notices and author: everything below the text. */
export function renderEnd(answer: Answer, style: Style): string {
  const { coverage, timing } = answer;
  const encoded = coverage.memories === undefined ? '' : ` · ${l10n.t('{0} encoded', shareText(coverage.memories))}`;
  const count = coverage.filesIndexed;
  const counted = count === 1 ? l10n.t('1 file') : l10n.t('{0} files', formatNumber(count));
  const files = `${l10n.t('{0} searched', counted)}${encoded}`;
  const foot = `${renderAuthor(answer.author)} · ${files} · ${seconds(timing.total)}`;
  const notices = answer.notices.map((notice) => dim(`· ${printable(notice)}`, style));
  return [renderSources(answer.citations, style), [...notices, dim(`· ${foot}`, style)].join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

export function renderExplanation(explanation: Explanation, style: Style): string {
  const foot = dim(`· ${renderAuthor(explanation.author)}${explanation.cached ? `, ${l10n.t('cached')}` : ''}`, style);
  return [renderMarkdown(explanation.markdown, style), renderSources(explanation.citations, style), foot]
    .filter((part) => part !== '')
    .join('\n\n');
}

export function renderSummary(summary: Summary, style: Style): string {
  const out = [bold(printable(summary.path), style), '', printable(summary.overview), ''];
  const digits = String(summary.lines).length;
  const add = (parts: readonly SummaryPart[], depth: number): void => {
    for (const part of parts) {
      const range = `${String(part.startLine).padStart(digits)}-${String(part.endLine).padEnd(digits)}`;
      const author =
        part.author.kind === 'extractive' ? '' : dim(` ${l10n.t('(written by {0})', part.author.model)}`, style);
      const title = `${'  '.repeat(depth)}${bold(printable(part.title), style)}`;
      out.push(`${dim(range, style)}  ${title}  ${printable(part.line)}${author}`);
      add(part.children, depth + 1);
    }
  };
  add(summary.parts, 0);
  for (const notice of summary.notices) out.push('', dim(`· ${notice}`, style));
  return out.join('\n');
}

const seconds = (milliseconds: number): string =>
  milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;

/** “82%”. A small share is not shown as 0%, and an incomplete one never as 100%. */
function shareText(share: number): string {
  if (share > 0 && share < 0.01) return l10n.t('less than 1%');
  return `${Math.floor(100 * share)}%`;
}

/** Rows of a label and a value, one below the other. */
export function labelled(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([label = '']) => columnsOf(label)));
  return rows.map(([label = '', value = '']) => `${label}${' '.repeat(width - columnsOf(label))}  ${value}`).join('\n');
}

/** Columns of a terminal that a text takes: an East Asian character takes two. */
export function columnsOf(text: string): number {
  return [...text].reduce(
    (sum, each) =>
      sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\uffe0-\uffe6]/u.test(each) ? 2 : 1),
    0,
  );
}

/** Describes what an answer is waiting for. */
export function phaseText(phase: 'retrieving' | 'loading' | 'reading' | 'writing'): string {
  switch (phase) {
    case 'retrieving':
      return l10n.t('Searching the workspace');
    case 'loading':
      return l10n.t('Loading the model');
    case 'reading':
      return l10n.t('Reading');
    case 'writing':
      return l10n.t('Writing');
  }
}
