/** Translations from the host's document. A missing one falls back to the English text. */
const bundle = readBundle();

/** Translates a text. @param values replacements for {0}, {1} … */
export function t(text: string, ...values: (string | number)[]): string {
  const translated = bundle[text] ?? text;
  return translated.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place));
}

function readBundle(): Record<string, string> {
  if (typeof document === 'undefined') return {};
  return JSON.parse(document.getElementById('strings')?.textContent ?? '{}') as Record<string, string>;
}
