/** Damaged and random documents for the extractors, from a seed. */
import { ExtractionError, type Extraction } from '../../../../src/workspace/sources/extractors';
import { extractDocx } from '../../../../src/workspace/sources/extractors/docx';
import { extractEpub } from '../../../../src/workspace/sources/extractors/epub';
import { htmlAsProse } from '../../../../src/workspace/sources/extractors/html';
import { readHtml } from '../../../../src/workspace/sources/extractors/markup/html-blocks';
import { textOfBlocks } from '../../../../src/workspace/sources/extractors/markup/blocks';
import { extractNotebook } from '../../../../src/workspace/sources/extractors/notebook';
import { extractPdf } from '../../../../src/workspace/sources/extractors/pdf/pdf';
import { decodeText } from '../../../../src/workspace/sources/extractors/text';
import { makeDocx, makeEpub, makePdf, paragraph } from './make-documents';

const LIMITS = { maxCharacters: 200_000 };

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PIECES = (
  '<p> </p> <li> <ul> </ul> <table> <tr> <td> </td> <th> <h1> </h2> <pre> </pre> <dl> <dt> <dd> </dl> <br> <script> ' +
  '</script> <nav> </nav> <main> </main> <div class="toc"> </div> &amp; &#x0; &#1114112; &notin; <!-- --> <![CDATA[ ]]> ' +
  '< > " \' = <svg> <title> </title> <code> ``` \n {{x}} <a hidden> word'
).split(' ');

function someHtml(random: () => number): string {
  const length = Math.floor(random() * 60);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join(random() < 0.5 ? ' ' : '');
}

/** Bytes changed, cut out, doubled or cut off, at one to eight places. */
function damaged(bytes: Uint8Array, random: () => number): Uint8Array {
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

export interface FuzzedExtractor {
  name: string;
  /** Reads one input. @throws ExtractionError */
  run: (random: () => number) => unknown;
}

const cell = { cell_type: 'code', source: ['a = 1\n'], outputs: [{ text: ['x'] }] };

export function fuzzedExtractors(): FuzzedExtractor[] {
  const pdf = makePdf([[{ text: 'A sentence of a page.', y: 700 }], [{ text: 'Another one.', y: 700 }]], {
    outline: ['A', 'B', 'C'],
  });
  const epub = makeEpub({ 'a.xhtml': '<h1>First</h1><p>One.</p>', 'b.xhtml': '<p>Two.</p>' }, ['a.xhtml', 'b.xhtml']);
  const docx = makeDocx(paragraph('Title', 'Heading1') + paragraph('Text of it.'));
  const notebook = Buffer.from(JSON.stringify({ nbformat: 4, metadata: {}, cells: [cell, cell] }));
  return [
    { name: 'pdf', run: (random) => extractPdf(damaged(pdf, random), LIMITS) },
    { name: 'epub', run: (random) => extractEpub(damaged(epub, random), LIMITS) },
    { name: 'docx', run: (random) => extractDocx(damaged(docx, random), LIMITS) },
    { name: 'notebook', run: (random) => extractNotebook(damaged(notebook, random), LIMITS) },
    {
      name: 'html',
      run: (random) => {
        const html = someHtml(random);
        htmlAsProse(html);
        const { text, lines } = textOfBlocks(readHtml(html).blocks);
        const count = html.split('\n').length;
        if (lines.some((line) => line < 1 || line > count))
          throw new Error(`a line outside of ${JSON.stringify(html)}`);
        return { text } satisfies Extraction;
      },
    },
    {
      name: 'text',
      run: (random) => decodeText(Uint8Array.from({ length: Math.floor(random() * 80) }, () => random() * 256)),
    },
  ];
}

/** Runs inputs and returns how many gave text; anything but a typed error is thrown with its seed. */
export async function fuzz({ name, run }: FuzzedExtractor, inputs: number, seed: number): Promise<number> {
  let read = 0;
  for (let i = 0; i < inputs; i++) {
    try {
      await run(randomOf(seed + i));
      read++;
    } catch (error) {
      if (!(error instanceof ExtractionError))
        throw new Error(`${name}, seed ${seed + i}: ${String(error)}`, { cause: error });
    }
  }
  return read;
}
