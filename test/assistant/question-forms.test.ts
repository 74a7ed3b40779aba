/** Each form of question leads with what it asks for: over a real index, by words alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../src/assistant';
import type { Answer } from '../../src/protocol';
import { Search } from '../../src/search';
import { Workspace } from '../../src/workspace/workspace';

const LICENCE = `// Copyright 2020 The Authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not obtain a copy of the License elsewhere.
`;
const encoder = (name: string): string => `${LICENCE}
package ${name}

// ${name}Encoder compresses responses with ${name}.
type ${name}Encoder struct {
	level int
}

func (${name}Encoder) Module() ModuleInfo {
	return ModuleInfo{ID: "http.encoders.${name}"}
}
`;
const FILES: Readonly<Record<string, string>> = {
  'encode/gzip.go': encoder('gzip'),
  'encode/zstd.go': encoder('zstd'),
  'encode/brotli.go': encoder('brotli'),
  'config/load.go': `${LICENCE}
package config

// loadConfig reads the configuration and decodes it.
func loadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	return decode(data)
}

// idleTimeout is the default time after which an idle connection is closed.
const idleTimeout = 5 * time.Minute

// The seed is drawn anew at each start, because equal seeds let clients cause collisions.
var hashSeed = rand.Uint64()
`,
  'web/controller.java': `@RequestMapping("/owners")
class OwnerController {
	@GetMapping("/new")
	String create() { return "form"; }

	@PostMapping("/new")
	String save() { return "redirect"; }

	@GetMapping("/find")
	String find() { return "find"; }
}
`,
  'queue/policies.py': `class FairPolicy:
    """FairPolicy serves each client in turn."""

    def next(self, clients):
        return clients.pop(0)


class GreedyPolicy:
    """GreedyPolicy serves the client with most jobs first."""

    def next(self, clients):
        return max(clients, key=len)
`,
};

let directory: string;
let library: Workspace;
let search: Search;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-forms-'));
  const root = join(directory, 'workspace');
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  library = await Workspace.open({
    folders: [{ name: 'workspace', directory: root }],
    storageDirectory: join(directory, 'store'),
    settings: { filesExclude: [], maxFileBytes: 1_000_000 },
    threads: 0,
    grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
  });
  await library.start();
  search = new Search({ workspace: library });
}, 60_000);

afterAll(async () => {
  await library.close();
  rmSync(directory, { recursive: true, force: true });
});

const answerTo = (question: string): Promise<Answer> =>
  ask({ id: '1', question, scope: { kind: 'workspace' } }, { library, search });
const lead = ({ markdown }: Answer): string => markdown.slice(0, 700);

it('lists all with a count and a citation for each', async () => {
  const answer = await answerTo('List all built-in encoders.');
  expect(lead(answer)).toMatch(/^\*\*3 found\.\*\*/);
  for (const name of ['gzip', 'zstd', 'brotli']) expect(lead(answer)).toContain(`http.encoders.${name}`);
  expect(
    answer.citations
      .slice(0, 3)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['encode/brotli.go', 'encode/gzip.go', 'encode/zstd.go']);
});

it('lists the addresses that annotations register, with those of their class', async () => {
  const answer = await answerTo('List all URLs that it serves.');
  expect(lead(answer)).toMatch(/^\*\*3 found\.\*\*/);
  for (const route of ['GET /owners/new', 'POST /owners/new', 'GET /owners/find'])
    expect(lead(answer)).toContain(route);
});

it('compares two things beside each other', async () => {
  const answer = await answerTo('Compare FairPolicy and GreedyPolicy.');
  const [head = '', , what = '', says = ''] = answer.markdown.split('\n');
  expect(head).toBe('| `FairPolicy` | `GreedyPolicy` |');
  expect(what).toMatch(/FairPolicy.*\[1\] \|.*GreedyPolicy.*\[2\] \|$/);
  expect(says).toMatch(/serves each client in turn.*\|.*most jobs first/);
});

it('leads with the error and its branch when asked what happens', async () => {
  const text = lead(await answerTo('What happens when the configuration file cannot be read?'));
  expect(text).toMatch(/if err != nil \{\n\s+return nil, fmt\.Errorf\("cannot read the configuration file/);
});

it('leads with the value when asked for one', async () => {
  const text = lead(await answerTo('After how long is an idle connection closed by default?'));
  expect(text).toContain('const idleTimeout = 5 * time.Minute');
});

it('leads with the reason when asked why', async () => {
  const text = lead(await answerTo('Why is the hash seed drawn anew at each start?'));
  expect(text).toContain('because equal seeds let clients cause collisions');
});

it('never quotes the licence of a file for another question', async () => {
  for (const question of ['How do I obtain a copy of the configuration?', 'Where is the version of the encoder?'])
    expect((await answerTo(question)).markdown).not.toMatch(/Licensed under|Copyright 2020/);
});
