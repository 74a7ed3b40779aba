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
const TABLE: readonly LanguageEntry[] = [
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

/** The table, with patterns that match names in every script. */
export const LANGUAGES: readonly LanguageEntry[] = TABLE.map(({ patterns, imports, ...entry }) => ({
  ...entry,
  ...(patterns && { patterns: patterns.map(({ kind, test }) => ({ kind, test: inAnyScript(test) })) }),
  ...(imports && { imports: imports.map(inAnyScript) }),
}));

const BY_ID: ReadonlyMap<Language, LanguageEntry> = new Map(LANGUAGES.map((entry) => [entry.id, entry]));

/** Returns the entry of a language, or an entry with only an id for an unknown language. */
export function entryOf(language: Language): LanguageEntry {
  return BY_ID.get(language) ?? { id: language };
}
