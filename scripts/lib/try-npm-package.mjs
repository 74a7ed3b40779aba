/**
 * Tries a packed npm package as a user does: installs it into an empty folder without network, then searches, asks and
 * talks to the server with the installed command.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { npmEnvironment } from './npm-environment.mjs';

/**
 * @param {string} file The packed package.
 * @throws Error that says which step failed
 */
export async function tryNpmPackage(file) {
  const directory = mkdtempSync(path.join(tmpdir(), 'anchorage-npx-'));
  try {
    const project = path.join(directory, 'project');
    mkdirSync(project);
    writeFileSync(path.join(project, 'pool.py'), 'def take(host):\n    """Takes a connection for a host."""\n');
    const home = path.join(directory, 'home');
    const env = { ...npmEnvironment(process.env), XDG_CACHE_HOME: path.join(home, 'cache'), NODE_PATH: '' };
    const run = (what, command, args) => {
      const { status, stdout, stderr } = spawnSync(command, args, {
        cwd: directory,
        env,
        encoding: 'utf8',
        shell: process.platform === 'win32',
      });
      if (status !== 0) throw new Error(`${what} failed with ${status}:\n${stderr}\n${stdout}`);
      return stdout;
    };
    writeFileSync(path.join(directory, 'package.json'), '{"private":true}');
    run('npm install', 'npm', ['install', '--offline', '--no-audit', '--no-fund', file]);
    const npx = (...args) => run(`anchorage ${args[0]}`, 'npx', ['--offline', 'anchorage', ...args]);
    const expected = (what, text, part) => {
      if (!text.includes(part)) throw new Error(`${what} does not mention ${part}:\n${text}`);
    };
    expected('search', npx('search', 'take a connection', '--workspace', project), 'pool.py:1');
    expected(
      'ask',
      npx('ask', 'Which function takes a connection for a host?', '--workspace', project),
      '[1] pool.py:',
    );
    const client = new Client({ name: 'try', version: '1' });
    const args = ['--offline', 'anchorage', 'mcp', '--workspace', project];
    await client.connect(new StdioClientTransport({ command: 'npx', args, cwd: directory, env, stderr: 'ignore' }));
    const answer = await client.callTool({ name: 'search', arguments: { query: 'take a connection' } });
    expected('mcp', JSON.stringify(answer.structuredContent ?? answer), 'pool.py');
    await client.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
