import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/engine/decoder/onnx/graph-builder';
import { fixture } from '../fixtures';
import { buildBundles, writeFiles } from '../worker/harness';
import { namespacesRefused, Sandbox, type Recorded } from './sandbox';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const refused = namespacesRefused();

/** A package as it is installed: bundles in dist/, the bundled model beside them. */
let installed: string;
let bundles: string;
beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  installed = mkdtempSync(join(root, '.cache', 'test-package-'));
  bundles = join(installed, 'dist');
  renameSync(buildBundles(), bundles);
  symlinkSync(join(root, 'models'), join(installed, 'models'));
});
afterAll(() => rmSync(installed, { recursive: true, force: true }));

describe.each(['inference.js', 'cli.js'])('%s', (name) => {
  it('switches telemetry off before it loads ONNX Runtime', () => {
    const source = readFileSync(join(bundles, name), 'utf8');
    const off = source.indexOf('process.env["ORT_DISABLE_TELEMETRY"] = "1"');
    expect(off).toBeGreaterThan(0);
    expect(source.indexOf('require("onnxruntime-node")')).toBeGreaterThan(off);
  });
});

// Where the kernel permits no namespaces, these are skipped and the title says why.
describe.skipIf(refused !== undefined)(`in a network that leads nowhere${refused ? ` (${refused})` : ''}`, () => {
  let sandbox: Sandbox;
  let workspace: string;
  beforeAll(() => {
    sandbox = new Sandbox();
    workspace = join(sandbox.directory, 'workspace');
    writeFiles(workspace, {
      'pool.py': 'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        return host\n',
      'README.md': '# Pool\n\nA pool keeps connections open for reuse.\n',
    });
  });
  afterAll(() => sandbox.close());

  const anchorage = (...argv: string[]): Recorded => sandbox.run(join(bundles, 'cli.js'), argv);
  /** Everything that the product keeps lies in one folder below the user's cache. */
  const strangers = ({ files }: Recorded): string[] => files.filter((file) => !file.startsWith('cache/anchorage/'));

  it.each<[string, () => string[]]>([
    ['index', () => ['index', '--memories', '--workspace', workspace]],
    ['ask', () => ['ask', 'Which class keeps connections open?', '--workspace', workspace]],
    [
      'model perplexity',
      () => ['model', 'perplexity', fixture('checkpoints/smollm2'), '--text', join(workspace, 'pool.py')],
    ],
  ])('%s sends nothing and writes to its own storage alone', (_name, argv) => {
    const ran = anchorage(...argv());
    expect({ ...ran, files: strangers(ran) }).toMatchObject({ status: 0, packets: 0, files: [] });
  });

  it('would notice a packet', () => {
    const program = join(sandbox.directory, 'send.cjs');
    writeFileSync(program, "require('net').connect(443, '203.0.113.7').on('error', () => {});\n");
    expect(sandbox.run(program, []).packets).toBeGreaterThan(0);
  });

  it('would notice the files of ONNX Runtime’s telemetry', () => {
    const own = new Sandbox();
    try {
      const graph = new GraphBuilder('negate');
      graph.node('Neg', [graph.input('x', 'float32', [1])], { outputs: ['y'] });
      graph.output('y', 'float32', [1]);
      const model = join(own.directory, 'negate.onnx');
      writeFileSync(model, graph.build());
      const program = join(own.directory, 'load.cjs');
      const runtime = join(root, 'node_modules', 'onnxruntime-node');
      writeFileSync(
        program,
        `require(${JSON.stringify(runtime)}).InferenceSession.create(${JSON.stringify(model)})
          .then(() => setTimeout(() => {}, 2_000));\n`,
      );
      const ran = own.run(program, []);
      expect(ran.status).toBe(0);
      expect(strangers(ran)).not.toEqual([]);
    } finally {
      own.close();
    }
  });
});
