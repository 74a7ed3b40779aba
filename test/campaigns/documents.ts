/** Damaged and random documents for the extractors. */
import { ExtractionError } from '../../src/workspace/sources/extractors';
import { extractDocx } from '../../src/workspace/sources/extractors/docx';
import { extractEpub } from '../../src/workspace/sources/extractors/epub';
import { htmlAsProse } from '../../src/workspace/sources/extractors/html';
import { readHtml } from '../../src/workspace/sources/extractors/markup/html-blocks';
import { textOfBlocks } from '../../src/workspace/sources/extractors/markup/blocks';
import { extractNotebook } from '../../src/workspace/sources/extractors/notebook';
import { extractPdf } from '../../src/workspace/sources/extractors/pdf/pdf';
import { decodeText } from '../../src/workspace/sources/extractors/text';
import { mutateJson } from './checkpoints';
import { type Attacked, type Random } from './drive';
import { makeDocx, makeEpub, makePdf, paragraph } from '../workspace/sources/documents/make-documents';

const LIMITS = { maxCharacters: 200_000 };

const PIECES = (
  '<p> </p> <li> <ul> </ul> <table> <tr> <td> </td> <th> <h1> </h2> <pre> </pre> <dl> <dt> <dd> </dl> <br> <script> ' +
  '</script> <nav> </nav> <main> </main> <div class="toc"> </div> &amp; &#x0; &#1114112; &notin; <!-- --> <![CDATA[ ]]> ' +
  '< > " \' = <svg> <title> </title> <code> ``` \n {{x}} <a hidden> word'
).split(' ');

function someHtml(random: Random): string {
  const length = Math.floor(random() * 60);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join(random() < 0.5 ? ' ' : '');
}

/** Bytes changed, cut out, doubled or cut off, at one to eight places. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let n = 1 + Math.floor(random() * 8); n > 0 && result.length > 0; n--) {
    const at = Math.floor(random() * result.length);
    const length = Math.floor(random() * 24);
    const kind = random();
    if (kind < 0.6) result[at] = Math.floor(random() * 256);
    else if (kind < 0.75) result = Uint8Array.from([...result.subarray(0, at), ...result.subarray(at + length)]);
    else if (kind < 0.9) result = Uint8Array.from([...result.subarray(0, at + length), ...result.subarray(at)]);
    else result = result.slice(0, at);
  }
  return result;
}

const cell = { cell_type: 'code', source: ['a = 1\n'], outputs: [{ text: ['x'] }] };

function attacked(name: string, open: () => (random: Random) => unknown): Attacked {
  return {
    name,
    isRefusal: (error) => error instanceof ExtractionError,
    open: () => Promise.resolve({ read: open() }),
  };
}

// The extraction thread handles what pdf.js leaves (extractors/thread.ts).
export const pdf = attacked('PDF', () => {
  const sound = makePdf([[{ text: 'A sentence of a page.', y: 700 }], [{ text: 'Another one.', y: 700 }]], {
    outline: ['A', 'B', 'C'],
  });
  return (random) => extractPdf(damaged(sound, random), LIMITS);
});
pdf.leavesRejections = true;

export const epub = attacked('EPUB', () => {
  const sound = makeEpub({ 'a.xhtml': '<h1>First</h1><p>One.</p>', 'b.xhtml': '<p>Two.</p>' }, ['a.xhtml', 'b.xhtml']);
  return (random) => extractEpub(damaged(sound, random), LIMITS);
});

export const docx = attacked('DOCX', () => {
  const sound = makeDocx(paragraph('Title', 'Heading1') + paragraph('Text of it.'));
  return (random) => extractDocx(damaged(sound, random), LIMITS);
});

export const notebook = attacked('notebook', () => {
  const json = { nbformat: 4, metadata: {}, cells: [cell, cell] };
  const sound = Buffer.from(JSON.stringify(json));
  return (random) =>
    extractNotebook(
      random() < 0.5 ? damaged(sound, random) : Buffer.from(JSON.stringify(mutateJson(json, random))),
      LIMITS,
    );
});

export const html = attacked('HTML', () => (random) => {
  const text = someHtml(random);
  htmlAsProse(text);
  const { lines } = textOfBlocks(readHtml(text).blocks);
  const count = text.split('\n').length;
  if (lines.some((line) => line < 1 || line > count)) throw new Error(`a line outside of ${JSON.stringify(text)}`);
});

export const plainText = attacked(
  'text',
  () => (random) => decodeText(Uint8Array.from({ length: Math.floor(random() * 80) }, () => random() * 256)),
);
