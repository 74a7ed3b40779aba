const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * Replaces what would command a terminal or reorder what is shown: control characters except tab and line feed,
 * bidirectional controls (Unicode TR36, "Trojan Source"), separators, zero-width marks and tags.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, '\uFFFD');
}

/** The same for a name, which is one line: its tabs and line feeds are replaced too. */
export function printableName(name: string): string {
  return printable(name).replace(/[\t\n]/g, '\uFFFD');
}

/** JSON without characters that would command a terminal; they are escaped, so a reader of the JSON loses nothing. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
