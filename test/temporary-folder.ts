/** Gives a run of the tests one folder for temporary files, and removes it at the end. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The name is short because paths of sockets end after 107 bytes. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'anc-'));
  // Some tests run commands as another user.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
