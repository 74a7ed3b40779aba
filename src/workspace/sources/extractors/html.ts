import type { Place } from '../../types';
import type { Extraction, Extractor } from './extractor';
import { type Block, joined, textOfBlocks } from './markup/blocks';
import { type HtmlBlocks, readHtml } from './markup/html-blocks';
import { decodeText } from './text';

/** Generated documentation is often one page, with markup several times its text. */
const MAX_BYTES = 16 << 20;

/** Characters of running text that make a document, and their share of the markup around them. */
const MIN_PROSE = 200;
const MIN_SHARE = 0.2;
/** A block of this many words is running text; shorter ones are labels of a page's controls. */
const RUNNING_WORDS = 6;
/** Share of the text that a main element must hold to be the document. */
const MAIN_SHARE = 0.5;

/**
 * HTML that people read becomes Markdown, with a place for each line of the source. HTML that is source code, such as a
 * template or a fixture, stays as it is (docs/decisions/html-prose-or-code.md).
 */
export const HTML: Extractor = {
  id: 'html',
  accepts: (name) => /\.x?html?$/.test(name),
  maxBytes: MAX_BYTES,
  extract: (bytes) => {
    const decoded = decodeText(bytes);
    const prose = htmlAsProse(decoded.text);
    return prose ? { ...decoded, ...prose } : decoded;
  },
};

/** The readable text of an HTML document; undefined where the HTML is source code. */
export function htmlAsProse(html: string): Extraction | undefined {
  const isPage = GENERATOR.test(html.slice(0, HEAD_CHARACTERS));
  if (!isPage && isTemplate(html)) return undefined;
  const read = readHtml(html, { xml: /^\s*<\?xml/.test(html) });
  if (!isProse(isPage, html, read)) return undefined;
  const { text, lines } = textOfBlocks(withTitle(mainBlocks(read.blocks), read.title));
  return { text, language: 'markdown', places: placesOf(lines) };
}

/** Generators of documentation name themselves. Their pages are documents, however large their styles are. */
const GENERATOR =
  /<meta[^>]+name=["']?generator["']?[^>]+content=["'](?:AsciiDoc|Asciidoctor|DocBook|Docutils|Sphinx|Texinfo|makeinfo|GNU Texinfo|MkDocs|mdBook|pandoc|Doxygen|Docusaurus|VitePress|Hugo|Jekyll|LaTeX2HTML|groff|Haddock)/i;
const HEAD_CHARACTERS = 10_000;
/** Characters of running text that a generated page needs. */
const MIN_PAGE = 80;

/** Marks of template languages and of components, outside of code that the page shows. */
const TEMPLATE = new RegExp(
  [
    String.raw`\{%-?\s*(?:if|for|block|extends|include|set|load|macro|csrf_token|url|static|end\w+)\b`,
    String.raw`<%[=@-]?\s`,
    String.raw`<\?(?:php|=)`,
    String.raw`\{\{[#^/>&]?-?\s*[\w.$'"]+[^{}\n]*\}\}`,
    String.raw`<[a-z][^<>]*\s(?:v-(?:if|for|model|bind|on|show)\b|\*ng\w+=|th:\w+=|x-data\b|@click|ng-\w+=)`,
    String.raw`<[a-z][^<>]*\s(?:\[\(?\w+\)?\]|\(\w+\))=`,
  ].join('|'),
  'i',
);

function isTemplate(html: string): boolean {
  if (!TEMPLATE.test(html)) return false;
  const shown = html.replace(/<(pre|code|script|style)\b[^>]*>[^]*?<\/\1\s*>/gi, '');
  return TEMPLATE.test(shown);
}

/** Mostly text, and not mostly markup, scripts or labels. */
function isProse(isPage: boolean, html: string, { blocks, codeCharacters }: HtmlBlocks): boolean {
  let running = 0;
  for (const { kind, pieces } of blocks) {
    const text = joined(pieces);
    const counts = kind === 'heading' || kind === 'code' || kind === 'row' || text.split(' ').length >= RUNNING_WORDS;
    if (counts) running += text.length;
  }
  if (isPage) return running >= MIN_PAGE;
  const markup = html.length - codeCharacters;
  return running >= MIN_PROSE && running >= MIN_SHARE * markup && codeCharacters <= Math.max(4_000, running);
}

/** Without headers, footers and margins where a main element holds most of the text. */
function mainBlocks(blocks: readonly Block[]): readonly Block[] {
  const size = (list: readonly Block[]): number =>
    list.reduce((sum, { pieces }) => sum + pieces.reduce((n, { text }) => n + text.length, 0), 0);
  const main = blocks.filter((block) => block.main);
  return size(main) >= MAIN_SHARE * size(blocks) ? main : blocks;
}

/** The title is a heading where the page has none of its own at the top level. */
export function withTitle(blocks: readonly Block[], title: string): readonly Block[] {
  if (title === '' || blocks.some(({ kind, level }) => kind === 'heading' && level === 1)) return blocks;
  const line = blocks[0]?.pieces[0]?.line ?? 1;
  return [{ kind: 'heading', level: 1, mark: '', main: true, pieces: [{ text: title, line }] }, ...blocks];
}

/** Runs of text lines that come from one line, or from lines that follow one another. */
function placesOf(lines: readonly number[]): Place[] {
  const places: Place[] = [];
  lines.forEach((number, i) => {
    const last = places.at(-1);
    if (last?.number === number) last.endLine = i + 1;
    else places.push({ kind: 'line', number, startLine: i + 1, endLine: i + 1 });
  });
  return places;
}
