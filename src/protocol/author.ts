/** Author of a text: quoted from the sources, the bundled model, or a checkpoint that the user chose. */
export type Author = { kind: 'extractive' } | { kind: 'bundled' | 'chosen'; model: string };
