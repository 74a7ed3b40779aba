import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npmEnvironment } from '../../scripts/lib/npm-environment.mjs';

describe('npmEnvironment', () => {
  it('drops variables of the outer npm and its project', () => {
    const outer = {
      npm_config_user_agent: 'npm/10.8.2 node/v20.20.2 linux x64 workspaces/false',
      npm_config_nodedir: '/usr',
      npm_config_local_prefix: '/the/project',
      npm_config_global_prefix: '/usr',
      npm_config_omit: 'dev',
      npm_package_json: '/the/project/package.json',
      npm_lifecycle_event: 'test',
      npm_execpath: '/usr/lib/node_modules/npm/bin/npm-cli.js',
      npm_node_execpath: '/usr/bin/node',
      NODE: '/usr/bin/node',
      INIT_CWD: '/the/project',
    };
    expect(npmEnvironment(outer)).toEqual({});
  });

  it("keeps the registry settings, npm's folders, and all variables of other programs", () => {
    const kept = {
      PATH: '/usr/bin',
      HOME: '/home/anna',
      NODE_OPTIONS: '--max-old-space-size=4096',
      NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca.crt',
      HTTPS_PROXY: 'http://proxy.example:3128',
      npm_config_registry: 'https://registry.example/',
      NPM_CONFIG_CACHE: '/var/cache/npm',
      npm_config_https_proxy: 'http://proxy.example:3128',
      npm_config_noproxy: 'localhost',
      npm_config_cafile: '/etc/ssl/certs/ca.crt',
      npm_config_strict_ssl: 'false',
      npm_config_userconfig: '/home/anna/.npmrc',
      npm_config_fetch_retries: '5',
      'npm_config_//registry.example/:_authToken': 'secret',
    };
    expect(npmEnvironment(kept)).toEqual(kept);
  });

  it('does not change the given environment', () => {
    const given = { npm_execpath: '/npm' };
    npmEnvironment(given);
    expect(given).toEqual({ npm_execpath: '/npm' });
  });
});

describe.skipIf(process.platform === 'win32')('an npm inside npm run', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'anchorage-npm-'));
    const module = new URL('../../scripts/lib/npm-environment.mjs', import.meta.url).href;
    // The inner npm prints the user agent of an install step.
    const inner = (env: string): string =>
      `spawnSync('npm', ['run', '--silent', 'agent'], { encoding: 'utf8', env: ${env} }).stdout.trim()`;
    writeFileSync(
      join(directory, 'inner.mjs'),
      `import { spawnSync } from 'node:child_process';\nimport { npmEnvironment } from '${module}';\nconsole.log(JSON.stringify([${inner('process.env')}, ${inner('npmEnvironment(process.env)')}]));\n`,
    );
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({
        name: 'outer',
        scripts: { ask: 'node inner.mjs', agent: 'node -p process.env.npm_config_user_agent' },
      }),
    );
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('reports its own Node with the cleaned environment, and the outer Node without it', () => {
    const env = {
      ...process.env,
      npm_config_user_agent: 'npm/0.0.0 node/v1.2.3 outer',
      npm_config_update_notifier: 'false',
    };
    const { stdout } = spawnSync('npm', ['run', '--silent', 'ask'], { cwd: directory, encoding: 'utf8', env });
    const [inherited, cleaned] = JSON.parse(stdout) as [string, string];
    expect(inherited).toContain('node/v1.2.3');
    expect(cleaned).toContain(`node/${process.version} `);
  });
});
