import path from 'node:path';

/**
 * Distinct names for the folders of a workspace, in the given order. Folders of the same name get their parent path, as
 * short as possible: `app (client)`, `app (server)`. A name has no slash, because a workspace path begins with it.
 */
export function distinctNames(folders: readonly { name: string; directory: string }[]): string[] {
  const plain = folders.map(({ name }) => name.replace(/[\\/]/g, '-'));
  const above = folders.map(({ directory }) => path.dirname(directory).split(/[\\/]/).filter(Boolean));
  const deepest = Math.max(0, ...above.map(({ length }) => length));
  const taken = (names: readonly string[], name: string): boolean => names.filter((each) => each === name).length > 1;
  let names = plain;
  for (let depth = 1; depth <= deepest && names.some((name) => taken(names, name)); depth++) {
    const before = names;
    names = plain.map((name, index) =>
      taken(plain, name) && taken(before, before[index] ?? '')
        ? `${name} (${above[index]?.slice(-depth).join('-')})`
        : (before[index] ?? name),
    );
  }
  // A folder given twice, or named like another folder with its parent path, gets a number.
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((each) => each === name).length;
    return earlier === 0 ? name : `${name} (${earlier + 1})`;
  });
}
