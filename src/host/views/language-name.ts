/** The used part of an extension's manifest. */
interface Extension {
  readonly packageJSON: unknown;
}

interface Contribution {
  contributes?: { languages?: readonly { id?: unknown; aliases?: unknown }[] };
}

/**
 * The editor's name of a language: the first alias of its identifier in the extensions' manifests, else the identifier.
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
