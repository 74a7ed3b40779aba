/** Kinds of definitions that hold members. */
export const TYPE_KINDS: ReadonlySet<string> = new Set(['class', 'interface', 'struct', 'trait', 'scope', 'enum']);
