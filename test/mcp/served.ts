/** The built server under test, and clients of it from the protocol's official library. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export interface ServerParts {
  /** Folder of the bundles. */
  bundles: string;
  /** Folder that stands for the user's cache. */
  cache: string;
  /** Arguments of `anchorage mcp`. */
  argv: readonly string[];
  cwd?: string;
  /** The bundle that is started, with its first arguments. Default: the terminal's command. */
  entry?: readonly string[];
}

export const environment = (cache: string): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  XDG_CACHE_HOME: cache,
});

/** Starts a server and connects. Closing the client ends the server. */
export async function connected(
  { bundles, cache, argv, cwd, entry: [file = 'cli.js', ...first] = ['cli.js', 'mcp'] }: ServerParts,
  options: ClientOptions & { roots?: () => readonly string[] } = {},
): Promise<Client> {
  const { roots, ...rest } = options;
  const client = new Client(
    { name: 'test', version: '1' },
    { ...rest, ...(roots ? { capabilities: { roots: { listChanged: true } } } : {}) },
  );
  if (roots) client.setRequestHandler('roots/list', () => ({ roots: roots().map((uri) => ({ uri })) }));
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(bundles, file), ...first, ...argv],
      env: environment(cache),
      stderr: 'ignore',
      ...(cwd === undefined ? {} : { cwd }),
    }),
  );
  return client;
}

/** Text and data of a tool's result. */
export async function call<Data = Record<string, never>>(
  client: Client,
  name: string,
  values: Record<string, unknown>,
): Promise<{ text: string; data: Data; failed: boolean }> {
  const result = await client.callTool({ name, arguments: values });
  const [first] = result.content as readonly { type: string; text?: string }[];
  return { text: first?.text ?? '', data: result.structuredContent as Data, failed: result.isError === true };
}

/** Process ids of the workers of the bundles. */
export function workersOf(bundles: string): number[] {
  const lines = execFileSync('ps', ['-Ao', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(join(bundles, 'worker.js'))).map((line) => Number.parseInt(line, 10));
}

/** Ends the workers that would otherwise wait for further clients. */
export function endWorkers(bundles: string): void {
  for (const pid of workersOf(bundles)) process.kill(pid, 'SIGKILL');
}
