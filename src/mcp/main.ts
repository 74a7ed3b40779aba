/** `anchorage mcp`: serves agents on stdin and stdout until the client closes them. */
import '../base/no-telemetry';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { AppError, messageOf } from '../base';
import { HELP, readArguments } from './arguments';
import { GrantedSession } from './granted-session';
import { createServer } from './server';

/** Longest wait (ms) for the index to be written when the client has gone. The stores survive a crash. */
const CLOSING = 3_000;

/** Serves until the client goes, and resolves to the exit code. */
export async function serve(argv: readonly string[]): Promise<number> {
  let args;
  try {
    args = readArguments(argv);
  } catch (error) {
    log(`${messageOf(error)}\n\`anchorage mcp --help\` shows how it is used.`);
    return error instanceof AppError && error.code === 'usage' ? 2 : 1;
  }
  if (args.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const granted = new GrantedSession(args, log);
  const transport = new StdioServerTransport();
  const handle = serveStdio((context) => createServer(granted, context), {
    transport,
    onerror: (error) => log(`A message could not be used: ${error.message}`),
  });
  await ended();
  await Promise.race([
    Promise.allSettled([handle.close(), granted.close()]),
    new Promise((resolve) => setTimeout(resolve, CLOSING)),
  ]);
  return 0;
}

/** Resolves when the client has closed a pipe, or the process is asked to end. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => resolve();
    process.stdin.once('end', end).once('close', end).once('error', end);
    // A client that is gone without closing stdin shows in a failed write.
    process.stdout.once('error', end).once('close', end);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, end);
  });
}

/** Stdout belongs to the protocol. */
function log(message: string): void {
  if (process.stderr.writable) process.stderr.write(`anchorage: ${message}\n`);
}

process.stderr.on('error', () => undefined);
// Started as a program by the editor, or loaded by `anchorage mcp`, which calls `serve`.
if (require.main === module) void serve(process.argv.slice(2)).then((code) => process.exit(code));
