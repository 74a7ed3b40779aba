import { Parser } from 'htmlparser2';
import type { Place } from '../../types';
import { readArchive } from './archive';
import { ExtractionError, type Extraction, type ExtractionLimits } from './extractor';
import { textOfBlocks } from './markup/blocks';
import { readHtml } from './markup/html-blocks';
import { decodeText } from './text';

const CONTAINER = 'META-INF/container.xml';
const ENCRYPTION = 'META-INF/encryption.xml';
const MAX_CHAPTERS = 5_000;

/** A book: its chapters in the order of reading, one section each. @throws ExtractionError */
export function extractEpub(bytes: Uint8Array, { maxCharacters }: ExtractionLimits): Extraction {
  const entries = readArchive(bytes, (name) => /\.(?:opf|x?html?|xml)$/i.test(name));
  const book = spineOf(entries);
  const protectedNames = encryptedNames(entries);
  const chapters = book.chapters.slice(0, MAX_CHAPTERS);
  if (chapters.length > 0 && chapters.every((name) => protectedNames.has(name)))
    throw new ExtractionError('encrypted', 'is a book with copy protection');
  const parts: string[] = [];
  const places: Place[] = [];
  let length = 0;
  let line = 1;
  chapters.forEach((name, i) => {
    const content = entries.get(name);
    if (!content || protectedNames.has(name)) return;
    const { blocks } = readHtml(decoded(content), { xml: true });
    // Only the book's own contents page is a list of links.
    if (book.navigation.has(name) || blocks.length === 0) return;
    const { text, lines } = textOfBlocks(blocks);
    length += text.length;
    if (length > maxCharacters)
      throw new ExtractionError('tooLarge', `holds more than ${maxCharacters.toLocaleString('en')} characters of text`);
    if (parts.length > 0) {
      parts.push('\n');
      line++;
    }
    parts.push(text);
    places.push({ kind: 'section', number: i + 1, startLine: line, endLine: line + lines.length - 1 });
    line += lines.length;
  });
  if (parts.length === 0) throw new ExtractionError('noText', 'is a book without text');
  return { text: parts.join(''), language: 'markdown', places };
}

function decoded(content: Uint8Array): string {
  try {
    return decodeText(content).text;
  } catch {
    return '';
  }
}

interface Book {
  /** Names of archive entries, in order of reading. */
  chapters: string[];
  navigation: Set<string>;
}

/** Reads the package document, which `META-INF/container.xml` names. */
function spineOf(entries: ReadonlyMap<string, Uint8Array>): Book {
  const container = entries.get(CONTAINER);
  const named = container && elementsOf(decoded(container), 'rootfile')[0]?.['full-path'];
  const path = named && entries.has(named) ? named : [...entries.keys()].find((name) => /\.opf$/i.test(name));
  const content = path === undefined ? undefined : entries.get(path);
  if (path === undefined || !content) throw new ExtractionError('malformed', 'is a broken book: it has no contents');
  const base = path.slice(0, path.lastIndexOf('/') + 1);
  const items = new Map<string, { name: string; navigation: boolean }>();
  const xml = decoded(content);
  for (const { id, href, properties } of elementsOf(xml, 'item'))
    if (id !== undefined && href !== undefined)
      items.set(id, { name: resolved(base, href), navigation: /\bnav\b/.test(properties ?? '') });
  const chapters = elementsOf(xml, 'itemref').flatMap(({ idref }) => items.get(idref ?? '')?.name ?? []);
  const navigation = new Set([...items.values()].filter((item) => item.navigation).map(({ name }) => name));
  return { chapters: [...new Set(chapters)], navigation };
}

function encryptedNames(entries: ReadonlyMap<string, Uint8Array>): Set<string> {
  const content = entries.get(ENCRYPTION);
  if (!content) return new Set();
  return new Set(elementsOf(decoded(content), 'cipherreference').flatMap(({ uri }) => uri ?? []));
}

/** Attributes of the elements of one name, whatever their prefix. Entities of a DOCTYPE are never resolved. */
function elementsOf(xml: string, wanted: string): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        const [local] = name.toLowerCase().split(':').slice(-1);
        if (local !== wanted) return;
        found.push(Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key.toLowerCase(), value])));
      },
    },
    { xmlMode: true },
  );
  parser.write(xml);
  parser.end();
  return found;
}

/** The archive's name for a reference within the package document. */
function resolved(base: string, href: string): string {
  const [path = ''] = href.split('#');
  const names: string[] = [];
  for (const part of `${base}${unescaped(path)}`.split('/')) {
    if (part === '..') names.pop();
    else if (part !== '.' && part !== '') names.push(part);
  }
  return names.join('/');
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
