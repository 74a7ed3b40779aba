import { inAnyScript } from './any-script';
import { C_FAMILY } from './c-family';
import { CLASSIC } from './classic';
import { MANAGED, SYSTEMS } from './compiled';
import { DATA, DECLARATIVE } from './data';
import { ECMASCRIPT } from './ecmascript';
import type { LanguageEntry } from './entry';
import { FUNCTIONAL } from './functional';
import { HARDWARE } from './hardware';
import { PROSE } from './prose';
import { SCRIPTING } from './scripting';
import { SOLIDITY } from './solidity';
import { WEB } from './web';
import type { Language } from '../types';

/** Every language, by family. Add a new one to a family or as a file of its own (docs/how-to/add-a-language.md). */
export const LANGUAGES: readonly LanguageEntry[] = [
  ...ECMASCRIPT,
  ...WEB,
  ...C_FAMILY,
  ...MANAGED,
  ...SYSTEMS,
  ...SCRIPTING,
  ...FUNCTIONAL,
  ...CLASSIC,
  ...HARDWARE,
  ...DATA,
  ...DECLARATIVE,
  ...PROSE,
  SOLIDITY,
];

const BY_ID: ReadonlyMap<Language, LanguageEntry> = new Map(LANGUAGES.map((entry) => [entry.id, entry]));

const PREPARED = new Map<Language, LanguageEntry>();

/**
 * Returns the entry of a language, or an entry with only an id for an unknown language. Its patterns match names in
 * every script. They are made when they are first needed, because making all of them delays the start.
 */
export function entryOf(language: Language): LanguageEntry {
  const written = BY_ID.get(language);
  if (!written) return { id: language };
  let entry = PREPARED.get(language);
  if (!entry) {
    const { patterns, imports } = written;
    entry = {
      ...written,
      ...(patterns && { patterns: patterns.map(({ kind, test }) => ({ kind, test: inAnyScript(test) })) }),
      ...(imports && { imports: imports.map(inAnyScript) }),
    };
    PREPARED.set(language, entry);
  }
  return entry;
}
