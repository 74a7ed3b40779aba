/**
 * Sentences that are true by construction: a definition's kind, and its own comment. Nothing is inferred.
 */
import * as l10n from '@vscode/l10n';
import { type DocumentSymbol, type SymbolKind, withoutRoles } from '../workspace';
import { clip } from './citations';

export function kindWithArticle(kind: SymbolKind): string {
  const words: Record<SymbolKind, string> = {
    function: l10n.t('a function'),
    method: l10n.t('a method'),
    class: l10n.t('a class'),
    interface: l10n.t('an interface'),
    struct: l10n.t('a struct'),
    enum: l10n.t('an enum'),
    trait: l10n.t('a trait'),
    type: l10n.t('a type'),
    constant: l10n.t('a constant'),
    variable: l10n.t('a variable'),
    field: l10n.t('a field'),
    module: l10n.t('a module'),
    namespace: l10n.t('a namespace'),
    macro: l10n.t('a macro'),
    heading: l10n.t('a section'),
    rule: l10n.t('a rule'),
    key: l10n.t('a key'),
  };
  return words[kind];
}

/** `Class.method`, or `Guide › Install` for headings without their inline markup. */
export function labelOf(symbol: Pick<DocumentSymbol, 'name' | 'kind' | 'container'>): string {
  if (symbol.kind !== 'heading') return [...symbol.container, symbol.name].join('.');
  return [...symbol.container, symbol.name].map((title) => plainDoc(title).replace(/`/g, '')).join(' › ');
}

/** Inline code. A text that contains backticks gets a longer delimiter, so it cannot end early. */
export function code(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  if (!flat.includes('`')) return `\`${flat}\``;
  return `\`\` ${flat} \`\``;
}

/** "a method of `Flask`", "a function". */
export function whatItIs(symbol: Pick<DocumentSymbol, 'kind' | 'container'>): string {
  const owner = symbol.container[symbol.container.length - 1];
  if (!owner || symbol.kind === 'heading') return kindWithArticle(symbol.kind);
  return l10n.t('{0} of {1}', kindWithArticle(symbol.kind), code(owner));
}

/**
 * The first sentence of a doc comment as plain text, without markup (Sphinx, JSDoc, Rust), parameter lists and
 * directives.
 *
 * @param length maximum characters
 * @param short a first sentence with fewer characters ("Receives a Response.") is returned with the second one
 */
export function firstSentence(doc: string, length = 240, short = 0): string | undefined {
  const text = firstProse(doc.split('\n'));
  if (text.length < 3) return undefined;
  const [first = text, second = ''] = sentencesIn(text);
  const said = first.trim().length < short && first.length + second.length <= length ? first + second : first;
  return clip(said.trim(), length);
}

/**
 * The sentences of a doc comment as plain text, without parameter lists, directives and examples.
 */
export function docSentences(doc: string): string[] {
  return doc
    .split(/\n\s*\n/)
    .flatMap((paragraph) => sentencesIn(firstProse(paragraph.split('\n'))).map((sentence) => sentence.trim()))
    .filter((sentence) => sentence !== '');
}

/** Characters of a paragraph that are read. Finding sentences takes quadratic time in a text without any. */
const MAX_PARAGRAPH = 2_000;

/** The text of the first paragraph, up to its first line that is not prose. */
function firstProse(lines: readonly string[]): string {
  const paragraph: string[] = [];
  let length = 0;
  for (const raw of lines) {
    const line = raw.slice(0, MAX_PARAGRAPH).trim().replace(/^:\s+/, '');
    length += line.length;
    if (length > MAX_PARAGRAPH && paragraph.length > 0) break;
    if (line === '' || /^[=\-~^"*#]{3,}$/.test(line)) {
      if (paragraph.length > 0) break;
      continue;
    }
    if (/^(@\w+|:\w+( [\w*]+)*:(?!`)|\.\. \w|>>>|```|Args:|Parameters|Returns:|Raises:|Example|\\brief\b)/.test(line)) {
      if (paragraph.length > 0) break;
      const tagged = /^(?:@(?:brief|description|summary|fileoverview|classdesc)|\\brief)\s+(.+)/.exec(line)?.[1];
      if (tagged) paragraph.push(tagged);
      continue;
    }
    paragraph.push(line);
  }
  return plainDoc(paragraph.join(' '));
}

/** Sentences with their trailing white space. */
function sentencesIn(text: string): string[] {
  return text.match(/.*?(?:[.!?](?<!\b(?:i\.e|e\.g|cf|vs|resp|approx)\.)(?=\s+[\p{Lu}`"'(\d]|$)|:$)\s*/gsu) ?? [text];
}

/** Index terms of AsciiDoc that are not shown, those that are, references and links. */
const withoutAsciidoc = (text: string): string =>
  text
    .replace(/\({3}[^()]*\){3}\s*|\bindexterm:\[[^\]]*\]\s*/g, '')
    .replace(/(?<![\w(])\({2}([^()]+)\){2}(?!\))/g, '$1')
    .replace(/<<[\w:-]+,([^<>]+)>>/g, '$1')
    .replace(/\blinkgit:([\w-]+)\[(\d)\]/g, '$1($2)')
    .replace(/\b(?:link:|https?:\/\/)[^\s[\]]+\[([^\]]+)\]/g, '$1');

/**
 * Unwraps inline markup of doc comments (Sphinx, JSDoc, RDoc …) and of AsciiDoc. `[1]` loses its brackets, because it
 * would look like a citation.
 */
export function plainDoc(text: string): string {
  return withoutRoles(withoutAsciidoc(text))
    .replace(/``([^`]+)``/g, '`$1`')
    .replace(/(?<![\w+])\+([A-Za-z_][\w:#.!?]*)\+(?![\w+])/g, '`$1`')
    .replace(/\{@(?:link|linkcode|linkplain|code)\s+([^}|]+?)(?:[|\s][^}]*)?\}/g, '`$1`')
    .replace(/\[(`[^`\]]+`)\](?:\([^)]*\))?/g, '$1')
    .replace(/!?\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replace(/(?<![\w\])])\[([^\][]+)\]\[[^\][]*\]/g, '$1')
    .replace(/<\/?(?:p|b|i|em|strong|tt|code|br|summary|para|remarks|see|c)\b[^>]*\/?>/gi, '')
    .replace(/\[(\d+)\]/g, '($1)')
    .replace(/\s+/g, ' ')
    .trim();
}

/** "a", "a and b", "a, b and c". */
export function enumerate(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? '';
  return l10n.t('{0} and {1}', items.slice(0, -1).join(l10n.t(', ')), items[items.length - 1] ?? '');
}
