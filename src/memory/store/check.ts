import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Checked, messageOf } from '../../base';
import { memoryFolders } from './folders';
import { Pack } from './pack';

/** Verifies every record of the memories of a workspace, of all versions. Read-only. */
export async function checkMemories(storageDirectory: string): Promise<Checked> {
  const damaged: { file: string; reason: string }[] = [];
  let files = 0;
  for (const directory of await memoryFolders(storageDirectory)) {
    const names = (await readdir(directory).catch(() => [])).filter((name) => /^\d+\.pack$/.test(name));
    files += names.length;
    for (const name of names) {
      const file = join(directory, name);
      const reason = await checkPack(Number.parseInt(name, 10), file).catch(messageOf);
      if (reason !== undefined) damaged.push({ file, reason });
    }
  }
  return { files, damaged };
}

async function checkPack(id: number, file: string): Promise<string | undefined> {
  const { pack, records, lostBytes } = await Pack.open(id, file, false);
  try {
    let broken = 0;
    for (const record of records) {
      const payload = Buffer.allocUnsafe(record.payloadBytes);
      if (!(await pack.read(record, 0, payload)) || crc32(payload) !== record.payloadCrc) broken++;
    }
    if (broken > 0) return `${broken} of ${records.length} records are damaged`;
    return lostBytes > 0 ? `${lostBytes} bytes are outside complete records` : undefined;
  } finally {
    await pack.close();
  }
}
