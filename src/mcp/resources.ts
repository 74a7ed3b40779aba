/** Documents and spans of the workspace as resources, which a client can attach without a tool. */
import {
  type McpServer,
  type ReadResourceResult,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { errorCode, messageOf } from '../base';
import type { Gate } from './gate';
import type { Ready } from './granted-session';
import { DOCUMENT_TEMPLATE, documentUri, linesIn, pathIn, SPAN_TEMPLATE } from './uris';

/** Documents in a list, most recently changed first. The other ones are read by their path. */
const MOST_LISTED = 200;
/** Lines that a read of a span returns. */
const MOST_LINES = 5_000;

export type ReadyFor = (context: ServerContext) => Promise<Ready>;

export function registerResources(server: McpServer, ready: ReadyFor): void {
  server.registerResource(
    'document',
    new ResourceTemplate(DOCUMENT_TEMPLATE, {
      list: async (context) => ({ resources: await listed(await ready(context)) }),
    }),
    {
      title: 'Document',
      description: 'The text of a file of the workspace, as it is indexed.',
      mimeType: 'text/plain',
    },
    async (uri, { path }, context) => {
      const { ask, gate } = await ready(context);
      return contentsOf(uri, pathIn(path), gate, async (file) => (await ask('document/text', { file })).text);
    },
  );
  server.registerResource(
    'span',
    new ResourceTemplate(SPAN_TEMPLATE, { list: undefined }),
    { title: 'Lines of a document', description: 'FIRST-LAST: lines from 1, inclusive.', mimeType: 'text/plain' },
    async (uri, { path, lines }, context) => {
      const { ask, gate } = await ready(context);
      const asked = linesIn(lines);
      if (!asked) throw new ResourceNotFoundError(uri.href, 'The lines are malformed.');
      return contentsOf(uri, pathIn(path), gate, async (file) => {
        return (await ask('document/lines', { file, ...asked, limit: MOST_LINES })).text;
      });
    },
  );
}

async function listed({ ask, gate }: Ready) {
  const passing = await gate.passing(await ask('index/documents', { limit: MOST_LISTED }));
  return passing.map(({ path }) => ({ uri: documentUri(path), name: path, mimeType: 'text/plain' }));
}

async function contentsOf(
  uri: URL,
  path: string | undefined,
  gate: Gate,
  read: (file: string) => Promise<string>,
): Promise<ReadResourceResult> {
  if (path === undefined) throw new ResourceNotFoundError(uri.href, 'The address is malformed.');
  try {
    const { file } = await gate.admit(path);
    return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: await read(file) }] };
  } catch (error) {
    if (!['notIndexed', 'fileNotFound', 'fileUnreadable'].includes(errorCode(error) ?? '')) throw error;
    throw new ResourceNotFoundError(uri.href, messageOf(error));
  }
}
