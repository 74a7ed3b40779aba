import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { inspectorFlags } from '../../src/rpc/inspector';

describe('inspectorFlags', () => {
  it('opens no port unless one is asked for', () => {
    expect(inspectorFlags('ANCHORAGE_INSPECT_WORKER', { ANCHORAGE_INSPECT_INFERENCE: '9331' })).toEqual([]);
    for (const bad of ['', 'yes', '-1', '70000', '0.0.0.0:9330']) {
      expect(inspectorFlags('ANCHORAGE_INSPECT_WORKER', { ANCHORAGE_INSPECT_WORKER: bad })).toEqual([]);
    }
  });

  it('gives a flag with which Node listens on this machine only', () => {
    const flags = inspectorFlags('ANCHORAGE_INSPECT_INFERENCE', { ANCHORAGE_INSPECT_INFERENCE: '0' });
    const script = "console.log(require('node:inspector').url())";
    const { stdout } = spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' });
    expect(stdout).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\//);
  });
});
