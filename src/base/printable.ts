/**
 * Replaces what would command a terminal or reorder what is shown: control characters except tab and line feed,
 * bidirectional controls (Unicode TR36, "Trojan Source"), line and paragraph separators, zero-width marks and tags.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, '\uFFFD');
}

const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;
