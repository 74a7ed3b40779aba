/** Lines of a page, from the runs of text that pdf.js finds on it. */

/** A run of text as pdf.js gives it; empty runs end lines. */
export interface TextRun {
  str: string;
  /** [a, b, c, d, x, y]; the baseline begins at (x, y), in points from the lower left. */
  transform: readonly number[];
  width: number;
  height: number;
  fontName: string;
  hasEOL: boolean;
}

export interface PageLine {
  text: string;
  /** Left end and baseline in points. */
  x: number;
  y: number;
  right: number;
  /** Font size in points, of most of its characters. */
  size: number;
  font: string;
  monospace: boolean;
}

/** Gaps wider than this share of the font size separate words. */
const WORD_GAP = 0.18;
/** Gaps wider than this separate columns of a table. */
const COLUMN_GAP = 1.8;
/** Runs whose baselines differ by less than this share of the font size are on one line. */
const SAME_LINE = 0.5;

/** Runs in the order of the page's content, which is the order of reading in nearly all documents. */
export function linesOfPage(runs: readonly TextRun[], isMonospace: (font: string) => boolean): PageLine[] {
  const lines: PageLine[] = [];
  let open: (PageLine & { sizes: Map<string, number> }) | undefined;
  const close = (): void => {
    if (!open) return;
    const { sizes, ...line } = open;
    const [most] = [...sizes].sort((a, b) => b[1] - a[1]);
    if (most) {
      const [size, font] = most[0].split('\0');
      line.size = Number(size);
      line.font = font ?? '';
      // A line of prose may begin with a long name in the font of code.
      line.monospace = [...sizes.keys()].every((key) => isMonospace(key.split('\0')[1] ?? ''));
    }
    line.text = line.monospace ? line.text.trimEnd() : line.text.replace(/[^\S\u00A0]+$/, '').replace(/\u00A0/g, ' ');
    if (line.text.trim() !== '') lines.push(line);
    open = undefined;
  };
  for (const { str, transform, width, fontName, hasEOL } of runs) {
    const [, b = 0, , d = 0, x = 0, y = 0] = transform;
    const size = Math.abs(d) || Math.abs(b);
    if (str.trim() !== '') {
      if (open && Math.abs(open.y - y) > SAME_LINE * Math.max(size, open.size)) close();
      // Text further left on the same baseline is the next column's, or a new line.
      if (open && x < open.right - 2 * size) close();
      if (!open) open = { text: '', x, y, right: x, size, font: fontName, monospace: false, sizes: new Map() };
      const gap = x - open.right;
      if (open.text !== '' && gap > WORD_GAP * size && !/\s$/.test(open.text))
        open.text += gap > COLUMN_GAP * size ? '   ' : ' ';
      open.text += clean(str);
      open.right = Math.max(open.right, x + width);
      const key = `${size.toFixed(1)}\0${fontName}`;
      open.sizes.set(key, (open.sizes.get(key) ?? 0) + str.length);
    } else if (open && str !== '' && !/\s$/.test(open.text)) {
      open.text += width > COLUMN_GAP * size ? '   ' : ' ';
      open.right = Math.max(open.right, x + width);
    }
    if (hasEOL) close();
  }
  close();
  return lines;
}

/** Ligatures as letters; control characters removed. */
function clean(text: string): string {
  return text
    .replace(/[\uFB00-\uFB06]/g, (ligature) => ligature.normalize('NFKC'))
    .replace(/\u00AD$/g, '-')
    .replace(/[\u0000-\u0008\u000B-\u001F\u007F\u00AD\uFFFE\uFFFF]/g, '');
}
