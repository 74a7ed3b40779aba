const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * Replaces characters that control a terminal or reorder text: control characters except tab and line feed,
 * bidirectional controls (Unicode TR36, "Trojan Source"), separators, zero-width marks and tags.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, '\uFFFD');
}

/** Like `printable`, for a name on one line: also replaces tabs and line feeds. */
export function printableName(name: string): string {
  return printable(name).replace(/[\t\n]/g, '\uFFFD');
}

/** JSON in which characters that control a terminal are escaped. Parsing gives the same value. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
