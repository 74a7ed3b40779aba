/** Author of a text: quoted from the sources, the bundled model, or a model that the user chose. */
export type Author =
  | { kind: 'extractive' }
  | {
      kind: 'bundled' | 'chosen';
      model: string;
      /** The host to which the quoted text went; absent when it stayed on this machine. */
      sentTo?: string;
    };
