/** Files and folders that are dragged onto the question, from the editor's explorer (with Shift held) or its tabs. */

/** Lists of addresses, one a line: the editor's own, and the usual one. */
const TYPES = ['application/vnd.code.uri-list', 'text/uri-list'] as const;

/** The used part of a drag event. */
interface Drag {
  readonly dataTransfer: { readonly types: readonly string[]; getData(type: string): string } | null;
}

export function isDragOfFiles({ dataTransfer }: Drag): boolean {
  return TYPES.some((type) => dataTransfer?.types.includes(type));
}

/** The addresses of a drop. Lines that begin with `#` are comments of the format. */
export function droppedUris({ dataTransfer }: Drag): string[] {
  const list = TYPES.map((type) => dataTransfer?.getData(type) ?? '').find((text) => text.trim() !== '') ?? '';
  return list.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
}
