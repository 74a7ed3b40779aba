import type { Declaration, LanguageEntry } from '../languages';

/** Whether other files can use a definition, by its language's rule. */
export function isExported(declaration: Declaration, { isExported: rule }: LanguageEntry): boolean {
  if (rule) return rule(declaration);
  return !declaration.name.startsWith('_') && !/^\s*(?:private|local|fileprivate|internal)\b/.test(declaration.head);
}
