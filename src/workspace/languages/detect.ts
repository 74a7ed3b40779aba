import type { LanguageEntry } from './entry';
import { PLAIN_TEXT } from './prose';
import { LANGUAGES } from './table';
import type { Language } from '../types';

const words = (text: string | undefined): string[] => text?.split(' ') ?? [];

const BY_EXTENSION: ReadonlyMap<string, LanguageEntry> = new Map(
  LANGUAGES.flatMap((entry) => words(entry.extensions).map((extension) => [extension, entry] as const)),
);
const BY_NAME: ReadonlyMap<string, LanguageEntry> = new Map(
  LANGUAGES.flatMap((entry) => words(entry.names).map((name) => [name, entry] as const)),
);

/**
 * Returns VS Code's language id, from a file's name or else from its first line.
 * @param head the beginning of the text; the first line is enough
 */
export function languageOf(path: string, head = ''): Language {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase();
  const byName = BY_NAME.get(name);
  if (byName) return byName.id;
  if (name.startsWith('dockerfile.')) return 'dockerfile';
  const dot = name.lastIndexOf('.');
  const extension = dot >= 0 ? name.slice(dot + 1) : '';
  const entry = BY_EXTENSION.get(extension);
  if (entry) return entry.refine?.(extension, head) ?? entry.id;
  return byFirstLine(head)?.id ?? PLAIN_TEXT.id;
}

function byFirstLine(head: string): LanguageEntry | undefined {
  const shebang = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/.exec(head);
  if (shebang) {
    const program = (/\/env$/.test(shebang[1] ?? '') ? shebang[2] : shebang[1]) ?? '';
    const name = program.slice(program.lastIndexOf('/') + 1);
    const entry = LANGUAGES.find(({ interpreters }) => interpreters?.test(name));
    if (entry) return entry;
  }
  return LANGUAGES.find(({ firstCharacters }) => firstCharacters !== undefined && head.startsWith(firstCharacters));
}
