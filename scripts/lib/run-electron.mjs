/**
 * `node run-electron.mjs JSON`: the suite in a downloaded VS Code, in a process of its own so that a display can be put
 * around it and a hung editor ended with everything it started. The JSON is the argument of test-electron's `runTests`.
 * The exit code is its.
 */
import { runTests } from '@vscode/test-electron';

// Started from a terminal of VS Code, this would make the editor a plain Node.
delete process.env.ELECTRON_RUN_AS_NODE;
try {
  process.exit(await runTests(JSON.parse(process.argv[2])));
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
