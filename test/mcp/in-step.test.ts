import { expect, test } from 'vitest';
import manifest from '../../package.json';
import { TOOLS } from '../../src/mcp/tools';

/** The editor's language-model tools, and the server's that do the same. */
const PAIRS = [
  ['anchorage_search_workspace', 'search'],
  ['anchorage_read_span', 'read_span'],
] as const;

test.each(PAIRS)('the editor’s %s is described as the server’s %s', (editor, server) => {
  const contributed = manifest.contributes.languageModelTools.find(({ name }) => name === editor);
  const tool = TOOLS.find(({ name }) => name === server);
  expect(contributed?.modelDescription).toBe(tool?.description);
  const { additionalProperties: _, ...schema } = tool?.input as { additionalProperties: boolean };
  expect(contributed?.inputSchema).toEqual(schema);
});
