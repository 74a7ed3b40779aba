import { describe, expect, it, vi } from 'vitest';
import { chooseEditor, machineProbes, type Probes } from '../../scripts/lib/editor-choice.mjs';

/** Probes of a machine with everything, except the given ones. */
const machine = (less: Partial<Probes> = {}): Probes => ({
  download: async () => '/editor/code',
  hasCommand: () => true,
  startFault: () => undefined,
  ...less,
});
const unreachable: Partial<Probes> = {
  download: () => Promise.reject(new Error('getaddrinfo ENOTFOUND update.example\n    at …')),
};
const choose = (probes: Probes, given: { wish?: string; platform?: string; env?: Record<string, string> } = {}) =>
  chooseEditor({ platform: 'linux', env: {}, probes, ...given });

describe('chooseEditor', () => {
  it('takes the downloaded editor if there is a display', async () => {
    expect(await choose(machine({ hasCommand: () => false }), { env: { DISPLAY: ':0' } })).toEqual({
      kind: 'electron',
      executable: '/editor/code',
      prefix: [],
      why: 'VS Code was downloaded, and the display :0 shows it',
    });
    expect(await choose(machine({ hasCommand: () => false }), { env: { WAYLAND_DISPLAY: 'wayland-0' } })).toMatchObject(
      { kind: 'electron', prefix: [] },
    );
    expect(await choose(machine({ hasCommand: () => false }), { platform: 'darwin' })).toMatchObject({
      kind: 'electron',
      prefix: [],
    });
  });

  it('makes a display with xvfb-run', async () => {
    expect(await choose(machine())).toMatchObject({
      kind: 'electron',
      prefix: ['xvfb-run', '-a'],
      why: expect.stringContaining('xvfb-run'),
    });
  });

  it('takes the server without a display, and downloads nothing', async () => {
    const download = vi.fn(async () => '/editor/code');
    expect(await choose(machine({ download, hasCommand: () => false }))).toEqual({
      kind: 'server',
      why: expect.stringMatching(/no display.*xvfb-run/),
    });
    expect(download).not.toHaveBeenCalled();
  });

  it('takes the server if the download fails, and gives the reason in one line', async () => {
    const { kind, why } = await choose(machine(unreachable), { env: { DISPLAY: ':0' } });
    expect([kind, why]).toEqual(['server', 'VS Code could not be downloaded (getaddrinfo ENOTFOUND update.example)']);
    // The downloader throws strings too.
    expect((await choose(machine({ download: () => Promise.reject('Failed to get JSON') }))).why).toContain(
      'Failed to get JSON',
    );
  });

  it('takes the server if the editor lacks a library', async () => {
    const fault = 'error while loading shared libraries: libnss3.so: cannot open shared object file';
    expect(await choose(machine({ startFault: () => fault }))).toEqual({
      kind: 'server',
      why: expect.stringContaining('libnss3.so'),
    });
  });

  it('takes the requested editor, or fails', async () => {
    const download = vi.fn(async () => '/editor/code');
    expect(await choose(machine({ download }), { wish: 'server' })).toMatchObject({ kind: 'server' });
    expect(download).not.toHaveBeenCalled();
    expect(await choose(machine(), { wish: 'electron' })).toMatchObject({ kind: 'electron' });
    await expect(choose(machine(unreachable), { wish: 'electron' })).rejects.toThrow(
      /is not possible.*ENOTFOUND.*proxy/,
    );
    await expect(choose(machine({ hasCommand: () => false }), { wish: 'electron' })).rejects.toThrow(
      /no display.*install xvfb/,
    );
    await expect(choose(machine({ startFault: () => 'libnss3.so' }), { wish: 'electron' })).rejects.toThrow(/libnss3/);
    await expect(choose(machine(), { wish: 'elektron' })).rejects.toThrow(/"elektron".*electron.*server/);
  });
});

describe('machineProbes', () => {
  const probes = machineProbes('/nowhere');

  it('finds the commands of this machine', () => {
    expect([probes.hasCommand('sh'), probes.hasCommand('no-such-command-here')]).toEqual([true, false]);
  });

  it('distinguishes an editor that starts from one that does not', () => {
    expect(probes.startFault(process.execPath)).toBeUndefined();
    expect(probes.startFault('/no/such/editor')).toMatch(/ENOENT/);
    expect(probes.startFault('/bin/false')).toMatch(/exit code 1/);
  });
});
