import { entryOf } from '../languages';
import type { Language } from '../types';

const MAX_IMPORTS = 500;
/** Imports stand near the top; scanning more than this is not worth its time. */
const MAX_SCAN = 400_000;

/** The specifiers that a text imports, each once, in order. */
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
