/**
 * A rehearsal of publishing: vsce and ovsx have no dry run, so both publish to a registry on this machine. They check
 * the packages as they do before any upload; the registry checks that the bytes arrive unchanged. It needs no account
 * and sends nothing anywhere.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { root } from './install.mjs';
import { npmEnvironment } from './npm-environment.mjs';

/** The version that the release workflow publishes with. It needs Node 22. */
const OVSX = 'ovsx@1.4.0';
const OVSX_NODE = 22;
/** Open VSX's own limit. */
const MAX_BYTES = 512 * 1024 * 1024;
/** Routes of the marketplace's API, by which vsce's library finds its resources. */
const ROUTES = [
  ['e11ea35a-16fe-4b80-ab11-c4cab88a0966', '_apis/gallery/publishers/{publisherName}/extensions/{extensionName}'],
  ['a41192c8-9525-4b58-bc86-179fa549d80d', '_apis/gallery/extensions'],
];

/**
 * Publishes packages to a registry on this machine.
 *
 * @param {readonly string[]} packages VSIX files of one version
 * @param {{ ovsx?: boolean }} [options] without ovsx nothing is fetched
 * @returns {Promise<string[]>} one line for each tool: what it published, or why it was left out
 * @throws Error with the tool's output when one refuses a package, or a package arrives changed
 */
export async function rehearsePublish(packages, { ovsx = true } = {}) {
  const manifest = readFileSync(path.join(root, 'package.json'), 'utf8');
  const registry = await openRegistry(JSON.parse(manifest));
  const lines = [];
  try {
    const { url } = registry;
    const files = packages.map((file) => path.resolve(file));
    const vsce = path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
    await run(process.execPath, [vsce, 'publish', '--packagePath', ...files], {
      VSCE_MARKETPLACE_URL: url,
      VSCE_PAT: 'rehearsal',
    });
    lines.push(`vsce: ${registry.arrived(files)}`);
    if (!ovsx) return lines;
    if (Number(process.versions.node.split('.')[0]) < OVSX_NODE)
      return [...lines, `ovsx: left out, because it needs Node ${OVSX_NODE}`];
    const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
    const publish = ['publish', '--registryUrl', url, '--pat', 'rehearsal', '--packagePath', ...files];
    await run(npx, ['--yes', OVSX, ...publish], {});
    return [...lines, `ovsx: ${registry.arrived(files)}`];
  } finally {
    registry.close();
  }
}

/** A registry that has no extension yet and takes every package. */
async function openRegistry({ name, publisher, version }) {
  let sums = [];
  const answers = {
    'OPTIONS /_apis': () => ({ count: ROUTES.length, value: ROUTES.map(resource) }),
    'POST /_apis/gallery/extensions': (body) => {
      sums.push(sumOf(body));
      return {};
    },
    'GET /api/version': () => ({ version: OVSX.split('@')[1] }),
    'GET /api/-/size-limit': () => ({ maxSize: MAX_BYTES }),
    'POST /api/-/publish': (body) => {
      sums.push(sumOf(body));
      return { namespace: publisher, name, version, targetPlatform: 'universal' };
    },
  };
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const asked = Object.keys(answers).find((key) => isFor(key, `${request.method} ${pathname}`));
      response.writeHead(asked ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(asked ? answers[asked](Buffer.concat(parts)) : {}));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Tells how many packages came since the last call. @throws Error unless they are these */
    arrived(files) {
      const wanted = files.map((file) => sumOf(readFileSync(file))).sort();
      const found = sums.sort();
      sums = [];
      if (wanted.join() !== found.join())
        throw new Error(`Of ${wanted.length} packages, ${found.length} arrived, or their bytes differ.`);
      return `${found.length} packages accepted and sent unchanged`;
    },
    close: () => server.close(),
  };
}

const isFor = (key, asked) => (key.startsWith('OPTIONS') ? asked.startsWith(key) : asked === key);

function resource([id, routeTemplate]) {
  const [, area] = routeTemplate.split('/');
  const versions = { minVersion: '1.0', maxVersion: '7.2', releasedVersion: '0.0', resourceVersion: 2 };
  return { id, area, resourceName: 'extensions', routeTemplate, ...versions };
}

const sumOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Runs a tool. @throws Error with its output when it fails */
async function run(command, args, variables) {
  const output = [];
  const child = spawn(command, args, {
    cwd: root,
    env: { ...npmEnvironment(process.env), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command.endsWith('.cmd'),
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => output.push(part));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${path.basename(args[0])} refused to publish:\n${Buffer.concat(output)}`);
}
