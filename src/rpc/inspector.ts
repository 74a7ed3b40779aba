/**
 * Node flags that open a debugger's port in a child process. Processes are forked without the flags of their parent, so
 * each reads the port from a variable of its own; `.vscode/launch.json` sets them. A port that is taken leaves the
 * process running without a debugger.
 *
 * @param variable `ANCHORAGE_INSPECT_WORKER` or `ANCHORAGE_INSPECT_INFERENCE`
 */
export function inspectorFlags(
  variable: 'ANCHORAGE_INSPECT_WORKER' | 'ANCHORAGE_INSPECT_INFERENCE',
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  const port = env[variable] ?? '';
  return /^\d+$/.test(port) && Number(port) < 65_536 ? [`--inspect=127.0.0.1:${port}`] : [];
}
