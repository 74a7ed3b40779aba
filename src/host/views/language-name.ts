/** The part of an extension's manifest that is read here. */
interface Extension {
  readonly packageJSON: unknown;
}

interface Contribution {
  contributes?: { languages?: readonly { id?: unknown; aliases?: unknown }[] };
}

/**
 * The editor's name of a language: the first alias that an extension gives its identifier, else the identifier.
 */
export function languageName(id: string, extensions: readonly Extension[]): string {
  for (const { packageJSON } of extensions) {
    for (const language of (packageJSON as Contribution | undefined)?.contributes?.languages ?? []) {
      const [name] = language.id === id && Array.isArray(language.aliases) ? (language.aliases as unknown[]) : [];
      if (typeof name === 'string') return name;
    }
  }
  return id;
}
