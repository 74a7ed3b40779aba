/**
 * The first paragraph of a summary: the size of the file, its definitions, its comment and its imports.
 */
import * as l10n from '@vscode/l10n';
import { formatNumber } from '../../base';
import type { SummaryPart } from '../../protocol';
import type { Document, DocumentSymbol, SegmentedDocument } from '../../workspace';
import { enumerate } from '../facts';
import { lineCount, linesText, more } from '../phrases';
import { fileComment } from './file-comment';
import { aboutOf } from './about';
import { mainPoints } from './main-points';
import { pagesOf, placeText } from './place-text';

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
  /** Title of a prose document. */
  title?: string | undefined;
  /** Facts of each main section, for prose with headings. */
  points?: readonly string[];
  pages?: number | undefined;
}

export function factsOf(document: Document, segmented: SegmentedDocument, lines: readonly string[]): OverviewFacts {
  const kinds = new Map<DocumentSymbol['kind'], number>();
  for (const { kind } of segmented.symbols) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const isProse = segmented.method === 'headings';
  const about = isProse ? aboutOf({ document, segmented }) : undefined;
  const place = about?.sentence && placeText(document, about.sentence.startLine, about.sentence.endLine);
  return {
    path: document.path,
    language: document.language,
    lines: lines.length,
    empty: document.text.trim() === '',
    hasHeadings: isProse,
    kinds,
    imports: new Set(segmented.imports),
    said: about?.sentence
      ? `${about.sentence.text.replace(/\.$/, '')} (${place}).`
      : saying(fileComment(document, segmented, lines), isProse),
    ...(about && {
      title: about.title,
      points: mainPoints({ document, segmented }, about.sentence),
      pages: pagesOf(document),
    }),
  };
}

/** Links to other pages, addresses of people, and lists of names with values. */
const NO_SENTENCE =
  /^(?:next|previous|prev|up):|<\S+@\S+>|^\S+\.?$|(?:\p{Lu}[\p{L} ]{1,20}: \S+.*){2}|\[(?:contents|index)\]/iu;

/** The description, unless it is no sentence. A comment of code may be short. */
const saying = (said: string | undefined, isProse: boolean): string | undefined =>
  said !== undefined && isProse && NO_SENTENCE.test(said) ? undefined : said;

export function overviewOf(facts: OverviewFacts, parts: readonly SummaryPart[]): string {
  const { language, said, points = [] } = facts;
  const name = facts.path.split('/').pop() ?? facts.path;
  if (facts.empty) return l10n.t('{0} is empty.', name);
  const size =
    facts.pages === undefined
      ? l10n.t('{0} has {1} of {2}', name, lineCount(facts.lines), formatName(facts.path) ?? languageName(language))
      : l10n.t('{0} has {1} pages', name, formatNumber(facts.pages));
  const sentences: string[] = [];
  if (facts.hasHeadings) {
    const count = facts.kinds.get('heading') ?? 0;
    // The points below name the sections.
    const titles = points.length > 0 ? [] : sectionTitles(parts, 8);
    const sections = count === 1 ? l10n.t('1 section') : l10n.t('{0} sections', formatNumber(count));
    const divided = count > 0 ? l10n.t('{0}, in {1}', size, sections) : size;
    sentences.push(titles.length > 0 ? l10n.t('{0}: {1}.', divided, enumerate(titles)) : l10n.t('{0}.', divided));
  } else {
    const kinds = kindCounts(facts.kinds);
    sentences.push(kinds.length > 0 ? l10n.t('{0}; it defines {1}.', size, enumerate(kinds)) : l10n.t('{0}.', size));
    const main = mainParts(parts);
    const largest = enumerate(main.map((part) => `${part.title} (${linesText(part)})`));
    if (main.length > 0)
      sentences.push(
        main.length === 1 ? l10n.t('Its largest part is {0}.', largest) : l10n.t('Its largest parts are {0}.', largest),
      );
    const imports = [...facts.imports];
    if (imports.length > 0)
      sentences.push(
        l10n.t(
          'It imports {0}.',
          enumerate(imports.length > 6 ? [...imports.slice(0, 6), more(imports.length - 6)] : imports),
        ),
      );
  }
  if (said) sentences.unshift(/[.!?:]$/.test(said) ? said : `${said}.`);
  const { title } = facts;
  if (title !== undefined && !said?.startsWith(title)) sentences.unshift(`**${title}.**`);
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
  restructuredtext: 'reStructuredText',
  scss: 'SCSS',
  sql: 'SQL',
  toml: 'TOML',
  typescript: 'TypeScript',
  typescriptreact: 'TypeScript',
  xml: 'XML',
  yaml: 'YAML',
};

/** Display name of a form whose text is extracted. */
function formatName(path: string): string | undefined {
  const extension = /\.(html?|xhtml|epub|docx|ipynb)$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  if (extension === 'ipynb') return 'Jupyter';
  return extension.endsWith('htm') || extension.endsWith('html') ? 'HTML' : extension.toUpperCase();
}

function languageName(language: string): string {
  if (language === 'plaintext') return l10n.t('plain text');
  if (language === 'shellscript') return l10n.t('shell script');
  return LANGUAGE_NAMES[language] ?? language.charAt(0).toUpperCase() + language.slice(1);
}

function kindCounts(counts: OverviewFacts['kinds']): string[] {
  const phrases: readonly [DocumentSymbol['kind'], () => string, (count: string) => string][] = [
    ['class', () => l10n.t('1 class'), (count) => l10n.t('{0} classes', count)],
    ['interface', () => l10n.t('1 interface'), (count) => l10n.t('{0} interfaces', count)],
    ['struct', () => l10n.t('1 struct'), (count) => l10n.t('{0} structs', count)],
    ['trait', () => l10n.t('1 trait'), (count) => l10n.t('{0} traits', count)],
    ['enum', () => l10n.t('1 enum'), (count) => l10n.t('{0} enums', count)],
    ['type', () => l10n.t('1 type'), (count) => l10n.t('{0} types', count)],
    ['function', () => l10n.t('1 function'), (count) => l10n.t('{0} functions', count)],
    ['method', () => l10n.t('1 method'), (count) => l10n.t('{0} methods', count)],
    ['macro', () => l10n.t('1 macro'), (count) => l10n.t('{0} macros', count)],
    ['constant', () => l10n.t('1 constant'), (count) => l10n.t('{0} constants', count)],
    ['variable', () => l10n.t('1 variable'), (count) => l10n.t('{0} variables', count)],
    ['rule', () => l10n.t('1 rule'), (count) => l10n.t('{0} rules', count)],
    ['key', () => l10n.t('1 key'), (count) => l10n.t('{0} keys', count)],
  ];
  return phrases.flatMap(([kind, one, several]) => {
    const count = counts.get(kind) ?? 0;
    return count === 0 ? [] : [count === 1 ? one() : several(formatNumber(count))];
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
  return titles.length > most ? [...titles.slice(0, most), more(titles.length - most)] : titles;
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
