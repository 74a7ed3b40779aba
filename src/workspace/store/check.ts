import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Checked, messageOf } from '../../base';
import { readManifest } from '../lexical/manifest';
import { Pack } from '../lexical/pack';
import { OTHER_VERSION } from '../lexical/pack-file';
import { LOG_FILE } from './catalogue';
import { indexFolders } from './folders';
import { readLog } from './record-log';

/** Verifies every file of the indexes below a storage directory. Read-only. */
export async function checkIndex(storageDirectory: string): Promise<Checked> {
  const damaged: { file: string; reason: string }[] = [];
  let files = 0;
  for (const folder of indexFolders(storageDirectory)) {
    const log = join(folder, LOG_FILE);
    if (await exists(log)) {
      files++;
      const reason = damageOf(() => {
        const { damagedBytes } = readLog(log);
        if (damagedBytes > 0) throw new Error(`${damagedBytes} bytes are outside complete records`);
      });
      if (reason !== undefined) damaged.push({ file: log, reason });
    }
    const directory = join(folder, 'lexical');
    const manifest = await readManifest(directory);
    if (manifest === undefined) continue;
    files++;
    if ('damaged' in manifest) {
      if (manifest.damaged !== OTHER_VERSION) damaged.push({ file: directory, reason: manifest.damaged });
      continue;
    }
    for (const pack of manifest) {
      files++;
      const file = join(directory, basename(pack.name));
      const reason = damageOf(() => Pack.open(file).close());
      if (reason !== undefined) damaged.push({ file, reason });
    }
  }
  return { files, damaged };
}

function damageOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
