/** Indexes a workspace in a separate process, which a test kills (workspace-faults.test.ts). */
import { Workspace } from '../../src/workspace/workspace';

const [root = '', storage = '', threadScript = ''] = process.argv.slice(2);
void (async () => {
  const workspace = await Workspace.open({
    folders: [{ name: 'work', directory: root }],
    storageDirectory: storage,
    settings: { filesExclude: [], maxFileBytes: 1_000_000 },
    threadScript,
  });
  process.stdout.write('started\n');
  await workspace.start();
  await workspace.close();
  process.stdout.write('done\n');
})();
