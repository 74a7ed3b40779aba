/** Kinds of definitions that have members. */
export const TYPE_KINDS: ReadonlySet<string> = new Set(['class', 'interface', 'struct', 'trait', 'scope', 'enum']);
