import type { Definition, Workspace } from '../workspace';

/** Finds the likeliest definition of `name`, `Owner.name`, `Owner::name` or `name()`. */
export async function definitionNamed(
  name: string,
  workspace: Pick<Workspace, 'definitions'>,
): Promise<Definition | undefined> {
  const parts = name.replace(/\(\)$/, '').split(/[.:#]+/);
  const found = await workspace.definitions(parts.at(-1) ?? name);
  const owner = parts.at(-2);
  return owner === undefined ? found[0] : found.find(({ symbol }) => symbol.container.includes(owner));
}
