/** The roots of the client: the folders that it lets servers read. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';

const ROOTS = 'roots';

type Asked = { uris: readonly string[] | undefined } | { ask: ReturnType<typeof inputRequired> };

/**
 * Asks once and keeps the answer until the client reports a change. A client of the protocol before 2026-07-28 is asked
 * with a request of its own, a later one in a round trip of the tool call.
 */
export class Roots {
  private uris: readonly string[] | undefined;
  private asking: Promise<readonly string[] | undefined> | undefined;

  constructor(
    private readonly server: McpServer,
    private readonly era: 'legacy' | 'modern',
  ) {}

  /** Forgets the answer, because the client has reported a change. */
  changed(): void {
    this.asking = undefined;
  }

  /** The URIs, undefined for a client without roots; or the request that the call must return first. */
  async of({ mcpReq }: ServerContext): Promise<Asked> {
    if (this.era === 'legacy') return { uris: await this.listed() };
    const envelope = mcpReq.envelope as Record<string, ClientCapabilities | undefined> | undefined;
    if (!envelope?.[CLIENT_CAPABILITIES_META_KEY]?.roots) return { uris: undefined };
    const answer = inputResponse(mcpReq.inputResponses, ROOTS);
    if (answer.kind === 'roots') this.uris = answer.roots.map(({ uri }) => uri);
    return this.uris
      ? { uris: this.uris }
      : { ask: inputRequired({ inputRequests: { [ROOTS]: inputRequired.listRoots() } }) };
  }

  /** The roots of an earlier client. One that cannot be asked grants nothing. */
  listed(): Promise<readonly string[] | undefined> {
    const { server } = this.server;
    if (!server.getClientCapabilities()?.roots) return Promise.resolve(undefined);
    return (this.asking ??= server.listRoots().then(
      ({ roots }) => roots.map(({ uri }) => uri),
      () => {
        this.asking = undefined;
        return [];
      },
    ));
  }
}
