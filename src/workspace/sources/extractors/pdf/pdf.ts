import { getDocumentProxy } from 'unpdf';
import { ExtractionError, type Extraction, type ExtractionLimits } from '../extractor';
import { linesOfPage, type PageLine, type TextRun } from './page-lines';
import { type OutlineTitle, textOfPages } from './page-text';

const MAX_PAGES = 5_000;
const MAX_OUTLINE = 20_000;
/** Runs of text on one page; drawings made of letters have more. */
const MAX_RUNS = 200_000;
/** Fewer letters than this on a page on average: the pages are pictures. */
const SCANNED = 4;

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;

/** Text of a PDF by pages. Scanned pages have none and are not read by optical recognition. @throws ExtractionError */
export async function extractPdf(bytes: Uint8Array, { maxCharacters }: ExtractionLimits): Promise<Extraction> {
  const pdf = await open(bytes);
  try {
    if (pdf.numPages > MAX_PAGES)
      throw new ExtractionError('tooLarge', `has more than ${MAX_PAGES.toLocaleString('en')} pages`);
    const pages: PageLine[][] = [];
    let characters = 0;
    let failed = 0;
    for (let number = 1; number <= pdf.numPages; number++) {
      const lines = await readPage(pdf, number).catch(() => undefined);
      if (!lines) failed++;
      pages.push(lines ?? []);
      for (const { text } of lines ?? []) characters += text.length;
      if (characters > maxCharacters)
        throw new ExtractionError(
          'tooLarge',
          `holds more than ${maxCharacters.toLocaleString('en')} characters of text`,
        );
    }
    if (failed === pdf.numPages) throw new ExtractionError('malformed', 'is a PDF whose pages cannot be read');
    if (characters < SCANNED * pdf.numPages)
      throw new ExtractionError('noText', 'is a PDF without text: its pages are pictures (scanned)');
    return { ...textOfPages(pages, await outlineOf(pdf).catch(() => [])), language: 'markdown' };
  } finally {
    await pdf.cleanup().catch(() => undefined);
    await pdf.loadingTask.destroy().catch(() => undefined);
  }
}

async function open(bytes: Uint8Array): Promise<PdfDocument> {
  try {
    // pdf.js takes the bytes over.
    return await getDocumentProxy(new Uint8Array(bytes), {
      verbosity: 0,
      useSystemFonts: false,
      disableFontFace: true,
      stopAtErrors: false,
    });
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (name === 'PasswordException')
      throw new ExtractionError('encrypted', 'is a PDF that opens with a password only', { cause: error });
    throw new ExtractionError('malformed', 'is a broken PDF', { cause: error });
  }
}

async function readPage(pdf: PdfDocument, number: number): Promise<PageLine[]> {
  const page = await pdf.getPage(number);
  try {
    const { items, styles } = await page.getTextContent();
    const runs = items.slice(0, MAX_RUNS).filter((item): item is typeof item & TextRun => 'str' in item);
    return linesOfPage(runs, (font) => styles[font]?.fontFamily === 'monospace');
  } finally {
    page.cleanup();
  }
}

interface OutlineNode {
  title: string;
  items: OutlineNode[];
}

async function outlineOf(pdf: PdfDocument): Promise<OutlineTitle[]> {
  const titles: OutlineTitle[] = [];
  const visit = (nodes: readonly OutlineNode[], level: number): void => {
    for (const { title, items } of nodes) {
      if (titles.length >= MAX_OUTLINE) return;
      titles.push({ title, level });
      if (level < 6) visit(items, level + 1);
    }
  };
  visit(((await pdf.getOutline()) ?? []) as OutlineNode[], 1);
  return titles;
}
