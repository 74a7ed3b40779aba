/**
 * The first paragraph of a summary: the size of the file, its definitions, its comment and its imports.
 */
import { counted } from '../../base';
import type { SummaryPart } from '../../protocol';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import { enumerate } from '../facts';
import { fileComment } from './file-comment';
import { mainPoints } from './main-points';

/** Facts from which the overview of a file is made. */
export interface OverviewFacts {
  path: string;
  language: string;
  lines: number;
  /** The text is blank. */
  empty: boolean;
  /** The file is prose with headings. */
  hasHeadings: boolean;
  /** Number of definitions of each kind. */
  kinds: ReadonlyMap<DocumentSymbol['kind'], number>;
  imports: ReadonlySet<string>;
  /** The file's own description (`fileComment`). */
  said: string | undefined;
  /** A fact of each main section, for prose with headings. */
  points?: readonly string[];
}

export function factsOf(document: Document, segmented: SegmentedDocument, lines: readonly string[]): OverviewFacts {
  const kinds = new Map<DocumentSymbol['kind'], number>();
  for (const { kind } of segmented.symbols) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return {
    path: document.path,
    language: document.language,
    lines: lines.length,
    empty: document.text.trim() === '',
    hasHeadings: segmented.method === 'headings',
    kinds,
    imports: new Set(segmented.imports),
    said: fileComment(document, segmented, lines),
    ...(segmented.method === 'headings' ? { points: mainPoints({ document, segmented }) } : {}),
  };
}

export function overviewOf(facts: OverviewFacts, parts: readonly SummaryPart[]): string {
  const { language, said, points = [] } = facts;
  const name = facts.path.split('/').pop() ?? facts.path;
  if (facts.empty) return `${name} is empty.`;
  const size = `${name} has ${counted(facts.lines, 'line')}`;
  const sentences: string[] = [];
  if (facts.hasHeadings) {
    const count = facts.kinds.get('heading') ?? 0;
    const titles = sectionTitles(parts, 8);
    const sections = count > 0 ? ` in ${counted(count, 'section')}` : '';
    const named = titles.length > 0 ? `: ${enumerate(titles)}` : '';
    sentences.push(`${size} of ${languageName(language)}${sections}${named}.`);
  } else {
    const kinds = kindCounts(facts.kinds);
    sentences.push(
      kinds.length > 0
        ? `${size} of ${languageName(language)}; it defines ${enumerate(kinds)}.`
        : `${size} of ${languageName(language)}.`,
    );
    const main = mainParts(parts);
    if (main.length > 0)
      sentences.push(
        `${main.length === 1 ? 'Its largest part is' : 'Its largest parts are'} ` +
          `${enumerate(main.map((part) => `${part.title} (lines ${part.startLine}–${part.endLine})`))}.`,
      );
    const imports = [...facts.imports];
    if (imports.length > 0)
      sentences.push(
        `It imports ` +
          `${enumerate(imports.length > 6 ? [...imports.slice(0, 6), `${imports.length - 6} more`] : imports)}.`,
      );
  }
  if (said) sentences.unshift(/[.!?:]$/.test(said) ? said : `${said}.`);
  return points.length > 0 ? `${sentences.join(' ')}\n\n${points.join('\n')}` : sentences.join(' ');
}

/** Display names of languages whose names differ from their identifiers. */
const LANGUAGE_NAMES: Readonly<Record<string, string>> = {
  cpp: 'C++',
  csharp: 'C#',
  css: 'CSS',
  html: 'HTML',
  javascript: 'JavaScript',
  javascriptreact: 'JavaScript',
  json: 'JSON',
  jsonc: 'JSON',
  latex: 'LaTeX',
  php: 'PHP',
  plaintext: 'plain text',
  restructuredtext: 'reStructuredText',
  scss: 'SCSS',
  shellscript: 'shell script',
  sql: 'SQL',
  toml: 'TOML',
  typescript: 'TypeScript',
  typescriptreact: 'TypeScript',
  xml: 'XML',
  yaml: 'YAML',
};

function languageName(language: string): string {
  return LANGUAGE_NAMES[language] ?? language.charAt(0).toUpperCase() + language.slice(1);
}

function kindCounts(counts: OverviewFacts['kinds']): string[] {
  const plural: Partial<Record<DocumentSymbol['kind'], string>> = { class: 'classes', key: 'keys' };
  const order: DocumentSymbol['kind'][] = [
    'class',
    'interface',
    'struct',
    'trait',
    'enum',
    'type',
    'function',
    'method',
    'macro',
    'constant',
    'variable',
    'rule',
    'key',
  ];
  return order.flatMap((kind) => {
    const count = counts.get(kind);
    return count ? [counted(count, kind, plural[kind] ?? `${kind}s`)] : [];
  });
}

function mainParts(parts: readonly SummaryPart[]): SummaryPart[] {
  const named = parts.filter(
    (part) => !['lines', 'imports', 'comment', 'text'].includes(part.kind) && part.endLine - part.startLine >= 20,
  );
  // A class or namespace that is nearly the whole file is replaced by its own parts.
  const [only] = named;
  if (named.length === 1 && only && only.kind !== 'function' && only.kind !== 'method') {
    const inner = mainParts(only.children);
    if (inner.length > 0) return inner;
  }
  if (named.length < 2) return named;
  return [...named]
    .sort((a, b) => b.endLine - b.startLine - (a.endLine - a.startLine))
    .slice(0, 3)
    .sort((a, b) => a.startLine - b.startLine);
}

/** The main headings: those of the section that covers most of the file, else those of the top level. */
function sectionTitles(parts: readonly SummaryPart[], most: number): string[] {
  const sections = parts.filter((part) => part.kind === 'heading');
  const main = sections.find(({ children }) => children.length > 1 && countSections(children) >= sections.length);
  const titles = (main?.children ?? sections)
    .filter((part) => part.kind === 'heading')
    .map((part) => plainTitle(part.title))
    .filter((title) => /[\p{L}\p{N}]/u.test(title));
  return titles.length > most ? [...titles.slice(0, most), `${titles.length - most} more`] : titles;
}

/** A heading without Markdown links, code marks and emphasis. */
function plainTitle(title: string): string {
  return title
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]*>/g, '')
    .replace(/[`*]|(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, '')
    .trim();
}

function countSections(parts: readonly SummaryPart[]): number {
  return parts.reduce((sum, part) => sum + (part.kind === 'heading' ? 1 : 0) + countSections(part.children), 0);
}
