/** The server of one connection: its tools and resources over the granted session. */
import {
  type CallToolResult,
  McpServer,
  type McpRequestContext,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { version } from '../../package.json';
import { AppError, messageOf } from '../base';
import type { GrantedSession, Progress } from './granted-session';
import { INSTRUCTIONS } from './instructions';
import { registerResources } from './resources';
import { Roots } from './roots';
import { checked } from './schemas';
import type { Tool } from './tool';
import { TOOLS } from './tools';

export function createServer(granted: GrantedSession, { era }: Pick<McpRequestContext, 'era'>): McpServer {
  const server = new McpServer(
    { name: 'anchorage', title: 'Anchorage', version },
    { capabilities: { tools: {}, resources: {} }, instructions: INSTRUCTIONS },
  );
  const roots = new Roots(server, era);
  for (const tool of TOOLS) register(server, tool, granted, roots);
  registerResources(server, async (context) => {
    const asked = await roots.of(context);
    if ('ask' in asked) throw new AppError('notIndexed', 'Call a tool first, so that the client names its folders.');
    return granted.ready(asked.uris, context.mcpReq.signal, () => undefined);
  });
  // The first request finds the index open, or being opened.
  const prepare = (): void => {
    void roots
      .listed()
      .then((uris) => granted.ready(uris, new AbortController().signal, () => undefined))
      .catch(() => undefined);
  };
  if (era === 'legacy') {
    server.server.oninitialized = prepare;
    server.server.setNotificationHandler('notifications/roots/list_changed', () => {
      roots.changed();
      prepare();
    });
  }
  return server;
}

function register(server: McpServer, tool: Tool, granted: GrantedSession, roots: Roots): void {
  const { name, title, description, input, output, searches = false } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: checked<Record<string, unknown>>(input),
      outputSchema: checked(output),
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    async (values, context) => {
      try {
        const asked = await roots.of(context);
        if ('ask' in asked) return asked.ask;
        const { signal } = context.mcpReq;
        const progress = progressOf(context);
        const request = { roots: asked.uris, signal, progress, waits: !searches };
        const { text, data } = await granted.run(request, (ready) => tool.run(values, { ...ready, progress }));
        return { content: [{ type: 'text', text }], structuredContent: { ...data } };
      } catch (error) {
        return failed(error);
      }
    },
  );
}

/** A failure as the model reads it: what happened, and what to do. */
function failed(error: unknown): CallToolResult {
  const hint = error instanceof AppError && error.hint ? ` ${error.hint}` : '';
  return { isError: true, content: [{ type: 'text', text: `${messageOf(error)}${hint}` }] };
}

/** Sends progress to a client that asked for it. It never goes backwards. */
function progressOf({ mcpReq }: ServerContext): Progress {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return () => undefined;
  let last = 0;
  return (fraction, message) => {
    // The protocol wants each value to be greater than the one before.
    last = Math.max(fraction, last + 1e-6);
    mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken: token, progress: last, total: 1, message } })
      .catch(() => undefined);
  };
}
