/** Answers on a terminal: Markdown with a little weight, citations as `path:line` that a terminal can open. */
import { pathToFileURL } from 'node:url';
import type { Answer, Author, Citation, Explanation, Span, Summary, SummaryPart } from '../protocol';

export interface Style {
  /** Bold, dim and links may be used. */
  colour: boolean;
  width: number;
}

export function styleOf(stream: NodeJS.WriteStream): Style {
  const wanted = process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';
  return { colour: Boolean(stream.isTTY) && wanted, width: Math.min(stream.columns || 100, 120) };
}

const bold = (text: string, { colour }: Style): string => (colour ? `\u001b[1m${text}\u001b[22m` : text);
const dim = (text: string, { colour }: Style): string => (colour ? `\u001b[2m${text}\u001b[22m` : text);

/** `path:12-30`, a link to the file where the terminal knows links (OSC 8). */
export function place({ file, path, startLine, endLine }: Span, style: Style): string {
  const text = `${printable(path)}:${startLine}${endLine > startLine ? `-${endLine}` : ''}`;
  return style.colour ? `\u001b]8;;${pathToFileURL(file).href}#L${startLine}\u001b\\${text}\u001b]8;;\u001b\\` : text;
}

/** Control characters of a file name or a source line would command the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD');
}

/** Markdown as this product writes it: paragraphs, lists, quotes, fences, bold and code. */
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
    .replace(/`` (.+?) ``|`([^`]+)`/g, (_, long: string | undefined, short: string | undefined) => (style.colour ? `\u001b[36m${long ?? short ?? ''}\u001b[39m` : (long ?? short ?? '')))
    .replace(/\[(\d+)\]/g, (marker) => dim(marker, style));
}

export function renderSources(citations: readonly Citation[], style: Style): string {
  if (citations.length === 0) return '';
  const width = String(citations.length).length + 2;
  const lines = citations.map((citation) => `${`[${citation.number}]`.padStart(width)} ${place(citation, style)}${citation.label === citation.path ? '' : `  ${dim(printable(citation.label), style)}`}`);
  return `${bold('Sources', style)}\n${lines.join('\n')}`;
}

export function renderAuthor(author: Author): string {
  if (author.kind === 'extractive') return 'quoted from the sources';
  return `written by ${author.model}${author.kind === 'bundled' ? ', the bundled model' : ''}`;
}

export function renderAnswer(answer: Answer, style: Style): string {
  const { coverage, timing } = answer;
  const files = `${coverage.filesIndexed.toLocaleString('en-US')} files`;
  const foot = `${renderAuthor(answer.author)} · ${files} · ${Math.round(timing.total)} ms`;
  const notices = answer.notices.map((notice) => dim(`· ${printable(notice)}`, style));
  return [renderMarkdown(answer.markdown, style), renderSources(answer.citations, style), [...notices, dim(`· ${foot}`, style)].join('\n')].filter((part) => part !== '').join('\n\n');
}

export function renderExplanation(explanation: Explanation, style: Style): string {
  const foot = dim(`· ${renderAuthor(explanation.author)}${explanation.cached ? ', kept from before' : ''}`, style);
  return [renderMarkdown(explanation.markdown, style), renderSources(explanation.citations, style), foot].filter((part) => part !== '').join('\n\n');
}

export function renderSummary(summary: Summary, style: Style): string {
  const out = [bold(printable(summary.path), style), '', printable(summary.overview), ''];
  const digits = String(summary.lines).length;
  const add = (parts: readonly SummaryPart[], depth: number): void => {
    for (const part of parts) {
      const range = `${String(part.startLine).padStart(digits)}-${String(part.endLine).padEnd(digits)}`;
      out.push(`${dim(range, style)}  ${'  '.repeat(depth)}${bold(printable(part.title), style)}  ${printable(part.line)}`);
      add(part.children, depth + 1);
    }
  };
  add(summary.parts, 0);
  for (const notice of summary.notices) out.push('', dim(`· ${notice}`, style));
  return out.join('\n');
}

/** 1.2 MB */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? 'B'}`;
}
