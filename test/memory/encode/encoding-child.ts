/** Encodes a workspace in a separate process, which a test kills (encoding-kill.ts). */
import { Workspace } from '../../../src/workspace/workspace';
import { MemoryEncoding, MemoryStore } from '../../../src/memory';
import { ByteCoder } from '../byte-coder';

const [root = '', storage = '', directory = '', threadScript = ''] = process.argv.slice(2);
void (async () => {
  const workspace = await Workspace.open({
    folders: [{ name: 'work', directory: root }],
    storageDirectory: storage,
    settings: { filesExclude: [], maxFileBytes: 1_000_000 },
    threadScript,
  });
  await workspace.start();
  const coder = new ByteCoder(2);
  const store = await MemoryStore.open({ directory, budgetBytes: 1e9, version: coder.version, packBytes: 20_000 });
  const put = store.put.bind(store);
  store.put = async (key, ...rest) => {
    await put(key, ...rest);
    process.stdout.write(`${key}\n`);
  };
  const encoding = new MemoryEncoding({ workspace, store, coder, batchCharacters: 1_500 });
  process.stdout.write('started\n');
  await encoding.run();
  await encoding.close();
  await store.close();
  await workspace.close();
  process.stdout.write('done\n');
})();
