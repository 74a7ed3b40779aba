/**
 * `node run-electron.mjs JSON`: runs the suite in a downloaded VS Code. It is a separate process, so that xvfb-run can
 * wrap it, and a hung editor can be killed with its child processes. The JSON is the argument of test-electron's
 * `runTests`, and the exit code is its result.
 */
import { runTests } from '@vscode/test-electron';

// A terminal in VS Code may set this variable. The editor would then start as plain Node.
delete process.env.ELECTRON_RUN_AS_NODE;
try {
  process.exit(await runTests(JSON.parse(process.argv[2])));
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
