/**
 * Lines of results as a reader finds them in the file. The text of an HTML document has other lines than its file;
 * that of a PDF, book or notebook has pages, sections or cells. Everything inside works with the lines of the text, and
 * results are converted here, on their way out.
 */
import type { Place as SpanPlace } from '../protocol';
import { type Document, isPlainText, type Place } from '../workspace';

/** Reads documents with their places. */
export interface PlacedDocuments {
  read(file: string): Promise<Document>;
}

interface Lines {
  startLine: number;
  endLine: number;
}

export class FileLines {
  private readonly known = new Map<string, readonly Place[] | undefined>();

  constructor(private readonly documents: PlacedDocuments) {}

  /** Returns a copy whose spans have line numbers of the file, and their page, section or cell. */
  async convert<T>(value: T): Promise<T> {
    const files = new Set<string>();
    visitSpans(value, (span) => {
      if (!isPlainText(span.file)) files.add(span.file);
    });
    if (files.size === 0) return value;
    await Promise.all([...files].map((file) => this.placesOf(file)));
    return mapSpans(value, (span) => ({ ...span, ...converted(span, this.known.get(span.file)) }));
  }

  /** Lines of the text for lines of the file. */
  async toText(file: string, lines: Lines): Promise<Lines> {
    const places = isPlainText(file) ? undefined : await this.placesOf(file);
    if (places?.[0]?.kind !== 'line') return lines;
    const startLine = places.findLast(({ number }) => number <= lines.startLine)?.startLine ?? 1;
    const endLine = places.findLast(({ number }) => number <= lines.endLine)?.endLine ?? startLine;
    return { startLine, endLine: Math.max(startLine, endLine) };
  }

  /** Lines of the file for lines of the text of one document. */
  async toFile(file: string, lines: Lines): Promise<Lines> {
    const { startLine, endLine } = await this.convert({ file, ...lines });
    return { startLine, endLine };
  }

  /** Converts what is sent while an answer is made, in order. */
  stream<T>(send: (value: T) => void): { send: (value: T) => void; sent: () => Promise<void> } {
    let turn = Promise.resolve();
    return {
      send: (value) => {
        turn = turn.then(async () => send(await this.convert(value)));
      },
      sent: () => turn,
    };
  }

  private async placesOf(file: string): Promise<readonly Place[] | undefined> {
    if (this.known.has(file)) return this.known.get(file);
    const places = await this.documents.read(file).then(
      (document) => document.places,
      () => undefined,
    );
    this.known.set(file, places);
    return places;
  }
}

function converted(
  { startLine, endLine }: Lines,
  places: readonly Place[] | undefined,
): Partial<Lines> & { place?: SpanPlace } {
  const first = places && placeAt(places, startLine);
  if (!places || !first) return {};
  if (first.kind !== 'line') return { place: { kind: first.kind, number: first.number } };
  const last = placeAt(places, endLine) ?? first;
  return { startLine: first.number, endLine: Math.max(first.number, last.number) };
}

/** The last place that begins at or above a line; places are in order. */
function placeAt(places: readonly Place[], line: number): Place | undefined {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.startLine ?? Infinity) <= line) low = middle + 1;
    else high = middle;
  }
  return places[low - 1] ?? places[0];
}

export interface SpanLike extends Lines {
  file: string;
}

function isSpan(value: object): value is SpanLike {
  const { file, startLine, endLine } = value as Partial<SpanLike>;
  return typeof file === 'string' && typeof startLine === 'number' && typeof endLine === 'number';
}

function visitSpans(value: unknown, visit: (span: SpanLike) => void): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (isSpan(value)) visit(value);
  for (const child of Array.isArray(value) ? value : Object.values(value)) visitSpans(child, visit);
}

/** Returns a copy whose spans are mapped. */
export function mapSpans<T>(value: T, map: (span: SpanLike) => SpanLike): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((child: unknown) => mapSpans(child, map)) as T;
  const own = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapSpans(child, map)]));
  return (isSpan(value) ? map(own as unknown as SpanLike) : own) as T;
}
