#!/usr/bin/env node
/** `anchorage`: the assistant in a terminal. Exit codes: 0 success, 1 failure, 2 wrong usage. */
import '../base/no-telemetry';
import './language';
import * as l10n from '@vscode/l10n';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { version } from '../../package.json';
import { errorData } from '../rpc';
import { generalHelp, helpOf, isCommand, parse, UsageError } from './arguments';
import { expectClosedPipes, note, OutputClosed, write } from './write';

async function run(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const [about] = rest;
    if (name === 'help' && about !== undefined && !isCommand(about)) return run([about, '--help'], signal);
    await write(name === 'help' && isCommand(about) ? helpOf(about) : generalHelp());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    await write(version);
    return 0;
  }
  if (name === 'model') return (await import('./model')).modelMain(rest, signal);
  if (name === 'memory') return (await import('./memory')).memoryMain(rest, signal);
  if (name === 'context') return (await import('./context')).contextMain(rest, signal);
  if (name === 'mcp') return serveAgents(rest);
  if (!isCommand(name)) throw new UsageError(l10n.t('There is no command “{0}”.', name));
  const args = parse(name, rest);
  if (args.help) {
    await write(helpOf(name));
    return 0;
  }
  // Loaded only here: the agents' server is a bundle of its own and starts sooner without the commands.
  const { runCommand } = await import('./commands');
  await runCommand(name, args, signal);
  return 0;
}

/** The server is a bundle of its own, which the extension ships without the terminal. */
async function serveAgents(argv: readonly string[]): Promise<number> {
  const server = createRequire(__filename)(join(__dirname, 'mcp.js')) as {
    serve: (argv: readonly string[]) => Promise<number>;
  };
  // The server handles Ctrl+C itself, and nothing that it started may keep the process.
  process.exit(await server.serve(argv));
}

async function main(): Promise<void> {
  // V8's optimizing compiler spends half a minute of a core on some grammars' lexers. No single command gains that
  // back, and the process would wait for it at its end. Only `model` runs the engine in this process.
  if (process.argv[2] !== 'model') setFlagsFromString('--liftoff-only');
  expectClosedPipes();
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort();
    // A second Ctrl+C, or a step that ignores the signal, ends the process at once. The stores are crash-safe.
    process.once('SIGINT', () => process.exit(130));
    setTimeout(() => process.exit(130), 3_000).unref();
  });
  try {
    process.exitCode = await run(process.argv.slice(2), interrupt.signal);
  } catch (error) {
    process.exitCode = report(error, interrupt.signal);
  }
}

function report(error: unknown, signal: AbortSignal): number {
  if (error instanceof UsageError) {
    const help = `\`anchorage${error.command ? ` ${error.command}` : ''} --help\``;
    note(`${error.message}\n${l10n.t('{0} shows how it is used.', help)}`);
    return 2;
  }
  if (error instanceof OutputClosed) return 0;
  if (signal.aborted) return 130;
  const { message, hint, code } = errorData(error);
  note(`${message}${hint && code !== 'internal' ? `\n${hint}` : ''}`);
  if (process.env['ANCHORAGE_DEBUG'] && error instanceof Error) note(error.stack ?? '');
  return 1;
}

void main();
