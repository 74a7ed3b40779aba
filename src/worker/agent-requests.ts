/** Requests of the server for agents, which has no editor: it asks for changes on disk, and whether files may leave. */
import { basename } from 'node:path';
import { definitionNamed } from '../app';
import type { HandlerContext, RequestHandlers } from './handlers';

export type AgentMethod =
  'index/why-each' | 'index/coverage' | 'index/refresh' | 'index/documents' | 'index/definition' | 'document/lines';

export function agentRequests({
  opened,
  foreground,
  refresh,
}: Pick<HandlerContext, 'opened' | 'foreground' | 'refresh'>): Pick<RequestHandlers, AgentMethod> {
  return {
    'index/why-each': async ({ files }) => (await opened()).workspace.whyEach(files),
    'index/coverage': async () => (await opened()).workspace.coverage(),
    'index/refresh': async ({ wait }, signal) => {
      await refresh(wait, signal);
      return null;
    },
    'index/documents': async ({ name, limit }) => {
      const documents = [...(await opened()).workspace.documents()];
      const named = name === undefined ? documents : documents.filter(({ path }) => basename(path) === name);
      const latest = named.sort((a, b) => b.mtimeMs - a.mtimeMs).slice(0, limit);
      return latest.map(({ file, path }) => ({ file, path }));
    },
    'index/definition': async ({ name }) => {
      const found = await definitionNamed(name, (await opened()).workspace);
      return found ? { file: found.file, startLine: found.symbol.startLine } : null;
    },
    'document/lines': ({ limit, ...span }) =>
      foreground.during(async () => (await opened()).answering.readLines(span, limit)),
  };
}
