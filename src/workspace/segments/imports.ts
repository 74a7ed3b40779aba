import { entryOf } from '../languages';
import type { Language } from '../types';

const MAX_IMPORTS = 500;
/** Imports are near the top, so only this many characters are scanned. */
const MAX_SCAN = 400_000;

/** Returns the specifiers that a text imports, each once, in order. */
export function importsOf(text: string, language: Language): string[] {
  const { imports = [], importBlocks } = entryOf(language);
  const scanned = text.length > MAX_SCAN ? text.slice(0, MAX_SCAN) : text;
  const found = new Set<string>();
  const add = (specifier: string | undefined): void => {
    if (specifier && found.size < MAX_IMPORTS) found.add(specifier);
  };
  if (importBlocks)
    for (const { 1: body = '' } of scanned.matchAll(importBlocks.block))
      for (const { 1: specifier } of body.matchAll(importBlocks.specifier)) add(specifier);
  for (const pattern of imports) for (const { 1: specifier } of scanned.matchAll(pattern)) add(specifier);
  return [...found];
}
