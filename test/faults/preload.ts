/**
 * Loaded into a command and its child processes: in the process whose script is FAULT_IN, the call FAULT_AT on paths
 * below FAULT_UNDER fails with FAULT_CODE. With FAULT_STICKY all later calls that write fail too. The number of calls
 * is written to FAULT_COUNT at the end.
 */
import fs from 'node:fs';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { FaultyFiles } from './faulty-files';

const {
  FAULT_UNDER: under,
  FAULT_IN: script = 'cli.js',
  FAULT_COUNT: count,
  FAULT_AT,
  FAULT_CODE,
  FAULT_STICKY,
} = process.env;
const { writeFileSync } = fs;
if (under && isMainThread && basename(process.argv[1] ?? '') === script) {
  const files = new FaultyFiles(under).install();
  files.arm({ at: Number(FAULT_AT ?? 0), code: FAULT_CODE ?? 'EIO', sticky: FAULT_STICKY === '1' });
  process.on('exit', () => {
    if (count) writeFileSync(count, String(files.calls));
  });
}
