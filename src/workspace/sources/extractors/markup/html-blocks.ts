import { Parser } from 'htmlparser2';
import { type Block, joined, LINE_BREAK, type Piece } from './blocks';

export interface HtmlBlocks {
  blocks: Block[];
  /** Text of `<title>`. */
  title: string;
  /** Characters within scripts, styles and templates. */
  codeCharacters: number;
}

/** Elements whose content is not for readers. */
const LEFT_OUT = new Set(
  (
    'script style noscript template svg nav iframe object applet select button textarea audio video canvas map ' +
    'datalist dialog'
  ).split(' '),
);
const CODE = new Set(['script', 'style', 'template']);
/** Elements that end what was written before them, and begin anew. */
const BREAKS = new Set(
  (
    'address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer ' +
    'form head header hr html legend li main menu ol p pre section summary table caption tbody td tfoot th thead ' +
    'title tr ul h1 h2 h3 h4 h5 h6'
  ).split(' '),
);
/** In a cell, these make the table a layout: its cells are read one after another. */
const LAYOUT = new Set('h1 h2 h3 h4 h5 h6 ul ol dl pre table section article'.split(' '));
const INLINE_CODE = new Set(['code', 'tt', 'kbd', 'samp']);
/** Classes and ids of navigation in what documentation generators write. */
const NAVIGATION = new Set(
  (
    'nav navbar navigation navheader navfooter sidebar sphinxsidebar sphinxsidebarwrapper toc tableofcontents ' +
    'toctree-wrapper table-of-contents breadcrumb breadcrumbs menu menubar headerlink anchorjs-link skip-link ' +
    'skiplink pagination site-footer site-header cookie-banner cookie-notice nav-wrapper nav-chapters ' +
    'related-pages edit-this-page prev-next-area'
  ).split(' '),
);
const NAVIGATION_ROLES = new Set(['navigation', 'banner', 'search', 'contentinfo', 'menu', 'menubar', 'toolbar']);
/** Elements that may be navigation by their class or id. */
const CONTAINERS = new Set('div ul ol table section aside p a header footer span dl details'.split(' '));
/** Open elements beyond this depth are read as text of their parent. */
const MAX_DEPTH = 512;
const MAX_CELLS = 200;

interface Element {
  name: string;
  leftOut: boolean;
  main: boolean;
}

/**
 * Reads the blocks of an HTML or XHTML text in one pass: headings with level, paragraphs, lists, tables by row and
 * code. Scripts, styles, forms' controls and navigation are left out. Any text is HTML to the parser, so nothing is
 * thrown because of it.
 */
export function readHtml(html: string, options: { xml?: boolean } = {}): HtmlBlocks {
  const reader = new HtmlReader(html);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => reader.open(name, attributes),
      onclosetag: (name) => reader.close(name),
      ontext: (text) => reader.text(text, parser.startIndex),
    },
    // XHTML is read as HTML too, but `<title/>` and `<script/>` are empty in it.
    { decodeEntities: true, recognizeSelfClosing: options.xml ?? false, lowerCaseTags: true },
  );
  parser.write(html);
  parser.end();
  return reader.end();
}

class HtmlReader {
  private readonly blocks: Block[] = [];
  private readonly elements: Element[] = [];
  private readonly lists: { ordered: boolean; number: number }[] = [];
  private readonly rows: { cells: Piece[]; heads: number; layout: boolean; own: Piece[] | undefined }[] = [];
  private pieces: Piece[] = [];
  private kind: Block['kind'] = 'paragraph';
  private level = 0;
  private mark = '';
  private hidden = 0;
  private tooDeep = 0;
  private mainDepth = 0;
  private pre = 0;
  /** A `dt` that waits for its `dd`; then it leads the item. */
  private term = '';
  private lead = '';
  private title = '';
  private codeCharacters = 0;
  private offset = 0;
  private line = 1;

  constructor(private readonly html: string) {}

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.elements.length >= MAX_DEPTH) {
      this.tooDeep++;
      return;
    }
    const leftOut = isLeftOut(name, attributes) && !(name === 'header' && this.mainDepth > 0);
    const main = !leftOut && this.hidden === 0 && isMain(name, attributes);
    this.elements.push({ name, leftOut, main });
    if (leftOut) this.hidden++;
    if (this.hidden > 0) return;
    if (main) this.mainDepth++;
    if (name === 'br') this.add(LINE_BREAK, this.line);
    else if (INLINE_CODE.has(name) && this.pre === 0) this.add('`', this.line);
    if (!BREAKS.has(name)) return;
    const row = this.rows.at(-1);
    if (row && !row.layout && LAYOUT.has(name)) this.spread(row);
    const inCell = row !== undefined && !row.layout && row.own !== undefined;
    if (inCell && name !== 'td' && name !== 'th' && name !== 'tr') {
      this.add(' ', this.line);
      return;
    }
    this.flush();
    this.begin(name, attributes);
  }

  private begin(name: string, attributes: Readonly<Record<string, string>>): void {
    if (/^h[1-6]$/.test(name)) {
      this.kind = 'heading';
      this.level = Number(name[1]);
    } else if (name === 'ul' || name === 'ol' || name === 'menu' || name === 'dir') {
      this.lists.push({ ordered: name === 'ol', number: Number.parseInt(attributes['start'] ?? '1', 10) || 1 });
    } else if (name === 'li') {
      const list = this.lists.at(-1);
      this.item(list?.ordered ? `${list.number++}.` : '-', Math.max(1, this.lists.length));
    } else if (name === 'dd' && this.term !== '') {
      this.item('-', this.lists.length + 1);
      this.lead = `${this.term}${/[:.;,]$/.test(this.term) ? ' ' : ': '}`;
      this.term = '';
    } else if (name === 'pre') {
      this.pre++;
      this.kind = 'code';
      this.mark =
        /(?:^|\s|-)(?:language|lang|brush|highlight|highlight-source)[-: ]+([\w+#-]+)/.exec(
          attributes['class'] ?? '',
        )?.[1] ?? '';
    } else if (name === 'tr') this.rows.push({ cells: [], heads: 0, layout: false, own: undefined });
    else if (name === 'td' || name === 'th') {
      const row = this.rows.at(-1);
      if (!row) return;
      if (name === 'th') row.heads++;
      if (!row.layout && row.cells.length < MAX_CELLS) row.own = this.pieces = [];
    }
  }

  private item(mark: string, level: number): void {
    this.kind = 'item';
    this.mark = mark;
    this.level = level;
  }

  close(name: string): void {
    if (this.tooDeep > 0) {
      this.tooDeep--;
      return;
    }
    const element = this.elements.pop();
    if (!element) return;
    if (element.leftOut) this.hidden--;
    if (element.leftOut || this.hidden > 0) return;
    if (INLINE_CODE.has(name) && this.pre === 0) this.add('`', this.line);
    const row = this.rows.at(-1);
    if (BREAKS.has(name)) {
      if (name === 'td' || name === 'th') this.endCell();
      else if (name === 'tr') this.endRow();
      else if (row?.own === undefined || row.layout) this.endBlock(name);
      else this.add(' ', this.line);
    }
    if (element.main) this.mainDepth--;
  }

  private endBlock(name: string): void {
    if (name === 'title') {
      this.title ||= joined(this.pieces);
      this.pieces = [];
    } else if (name === 'dt') {
      const term = joined(this.pieces);
      this.term = this.term === '' ? term : `${this.term}, ${term}`;
      this.pieces = [];
    }
    this.flush();
    if (name === 'ul' || name === 'ol' || name === 'menu' || name === 'dir') this.lists.pop();
    if (name === 'dl' || name === 'dd') this.lead = '';
    if (name === 'dl' && this.term !== '') {
      this.push('paragraph', 0, '', [{ text: this.term, line: this.line }]);
      this.term = '';
    }
    if (name === 'pre') this.pre = Math.max(0, this.pre - 1);
  }

  private endCell(): void {
    const row = this.rows.at(-1);
    if (!row?.own || row.layout) return this.flush();
    const text = joined(row.own.filter(({ text: t }) => t !== LINE_BREAK));
    row.cells.push({ text, line: row.own.find(({ text: t }) => t.trim() !== '')?.line ?? this.line });
    row.own = undefined;
    this.pieces = [];
  }

  private endRow(): void {
    const row = this.rows.at(-1);
    if (row?.own && !row.layout) this.endCell();
    this.flush();
    this.rows.pop();
    if (!row || row.layout || row.cells.length === 0) return;
    // A box around a note is a table too.
    const filled = row.cells.filter(({ text }) => text !== '');
    if (filled.length === 1) this.push('paragraph', 0, '', filled);
    else this.push('row', 0, row.heads === row.cells.length ? 'head' : '', row.cells);
  }

  /** A row that holds headings, lists or tables: its cells are read as blocks. */
  private spread(row: { cells: Piece[]; layout: boolean; own: Piece[] | undefined }): void {
    row.layout = true;
    for (const cell of row.cells.splice(0)) if (cell.text !== '') this.push('paragraph', 0, '', [cell]);
    row.own = undefined;
  }

  text(text: string, offset: number): void {
    const line = this.lineAt(offset);
    if (this.hidden > 0) {
      if (this.elements.some(({ name, leftOut }) => leftOut && CODE.has(name))) this.codeCharacters += text.length;
      return;
    }
    this.add(text, line);
  }

  private add(text: string, line: number): void {
    const last = this.pieces.at(-1);
    // Entities and short pieces of one line are one run.
    if (last && last.line === line && !last.text.includes('\n') && this.kind !== 'code') last.text += text;
    else this.pieces.push({ text, line });
  }

  private flush(): void {
    const { kind, level, mark, pieces } = this;
    const isEmpty = kind === 'code' ? pieces.every(({ text }) => text.trim() === '') : joined(pieces) === '';
    // An item that begins with a paragraph keeps its mark for it.
    if (isEmpty && kind === 'item') this.pieces = [];
    else {
      if (!isEmpty) this.push(kind, level, mark, kind === 'code' ? pieces : this.led(withoutEdges(pieces)));
      this.pieces = [];
      this.kind = 'paragraph';
      this.level = 0;
      this.mark = '';
    }
    const row = this.rows.at(-1);
    if (row?.own) row.own = this.pieces;
  }

  private led(pieces: Piece[]): Piece[] {
    if (this.lead === '') return pieces;
    const led = [{ text: this.lead, line: pieces[0]?.line ?? this.line }, ...pieces];
    this.lead = '';
    return led;
  }

  private push(kind: Block['kind'], level: number, mark: string, pieces: Piece[]): void {
    this.blocks.push({ kind, level, mark, pieces, main: this.mainDepth > 0 });
  }

  private lineAt(offset: number): number {
    for (; this.offset < offset; this.offset++) if (this.html.charCodeAt(this.offset) === 10) this.line++;
    return this.line;
  }

  end(): HtmlBlocks {
    this.flush();
    return { blocks: this.blocks, title: this.title, codeCharacters: this.codeCharacters };
  }
}

function isLeftOut(name: string, attributes: Readonly<Record<string, string>>): boolean {
  if (LEFT_OUT.has(name)) return true;
  if ('hidden' in attributes || attributes['aria-hidden'] === 'true') return true;
  if (NAVIGATION_ROLES.has(attributes['role'] ?? '')) return true;
  if (!CONTAINERS.has(name)) return false;
  const names = `${attributes['class'] ?? ''} ${attributes['id'] ?? ''}`.toLowerCase().split(/\s+/);
  // Sphinx calls its bar of links `related`; a section may have that id.
  return names.some((each) => NAVIGATION.has(each)) || (name === 'div' && attributes['class'] === 'related');
}

const isMain = (name: string, attributes: Readonly<Record<string, string>>): boolean =>
  name === 'main' || name === 'article' || attributes['role'] === 'main';

/** Empty runs at both ends would give a line that is not the text's. */
function withoutEdges(pieces: readonly Piece[]): Piece[] {
  const first = pieces.findIndex(({ text }) => text.trim() !== '');
  return pieces.slice(first).map(({ text, line }, i) => {
    if (i > 0) return { text, line };
    const lead = /^\s*/.exec(text)?.[0] ?? '';
    return { text: text.slice(lead.length), line: line + (lead.split('\n').length - 1) };
  });
}
