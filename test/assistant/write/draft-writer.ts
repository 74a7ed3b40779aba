import type { Writer, Written } from '../../../src/protocol';

/** A writer whose model always writes this draft, in pieces of seven characters. */
export function draftWriter(
  draft: string,
  { contextTokens = 1_000, stopped = 'end' }: { contextTokens?: number; stopped?: Written['stopped'] } = {},
): Writer {
  return {
    author: { kind: 'chosen', model: 'draft' },
    contextTokens,
    bytesPerRow: 1,
    countChats: async (chats) => chats.map(() => 1),
    write: async (_, { onText }) => {
      for (const piece of draft.match(/[\s\S]{1,7}/g) ?? []) onText(piece);
      const timing = { read: 0, decode: 0, firstToken: 0 };
      return { text: draft, promptTokens: 1, newTokens: 1, stopped, timing };
    },
  };
}
