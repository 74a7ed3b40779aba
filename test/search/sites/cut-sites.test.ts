import { describe, expect, it } from 'vitest';
import { splitLines } from '../../../src/base';
import { cutSites, type SiteForm } from '../../../src/search/sites';

/** The text of each site. */
function sitesIn(form: SiteForm, text: string, language: string, isQuantity = false): string[] {
  const lines = splitLines(text);
  return cutSites(form, { lines, startLine: 1, endLine: lines.length, language, isQuantity }).map(
    ({ startLine, endLine }) => lines.slice(startLine - 1, endLine).join('\n'),
  );
}

describe('outcomes', () => {
  it('are errors with the branch that leads to them', () => {
    const text = `func insert(path string) {
	wildcard, valid := find(path)
	// The name has one mark only
	if !valid {
		panic("only one wildcard per segment is allowed, has: '" +
			wildcard + "'")
	}
	add(path)
}`;
    expect(sitesIn('outcome', text, 'go')).toEqual([splitLines(text).slice(2, 6).join('\n')]);
  });

  it('are found in several languages', () => {
    expect(
      sitesIn('outcome', "def f(x):\n    if x is None:\n        raise ValueError('x is missing')\n", 'python'),
    ).toEqual(["    if x is None:\n        raise ValueError('x is missing')"]);
    expect(sitesIn('outcome', "if (!path) {\n  throw new TypeError('path is required');\n}", 'javascript')).toEqual([
      "if (!path) {\n  throw new TypeError('path is required');",
    ]);
    expect(sitesIn('outcome', 'if (n == 0)\n  return type_error2(a, b, "cannot be divided");', 'c')).toHaveLength(1);
    expect(sitesIn('outcome', 'match x {\n    None => return Err("nothing left".into()),\n}', 'rust')).toHaveLength(1);
  });

  it('have a text, and are no comments', () => {
    expect(sitesIn('outcome', '// throw new Error("an example")\nthrow error;', 'javascript')).toEqual([]);
  });
});

describe('values', () => {
  it('are literals with their comments', () => {
    const text = `// idleTimeout is the default for closing idle connections.
idleTimeout = 5 * time.Minute
other := compute(x)`;
    expect(sitesIn('value', text, 'go')).toEqual([splitLines(text).slice(0, 2).join('\n')]);
  });

  it('stand in comments too', () => {
    const text = '// How long to wait. Default: `2m`.\nIdle Duration `json:"idle"`';
    expect(sitesIn('value', text, 'go', true)).toEqual([text]);
  });

  it('are numbers when a quantity is asked for', () => {
    expect(sitesIn('value', 'mode = "fast"\nsize = 16\n', 'python', true)).toEqual(['size = 16']);
  });

  it('are not in imports, errors and licences', () => {
    const text =
      '// Copyright 2020. Licensed under the terms below.\nimport a from "b"\nreturn typeError("needs 2 numbers")';
    expect(sitesIn('value', text, 'javascript')).toEqual([]);
  });
});

describe('reasons', () => {
  it('are comments that say why, with the line below', () => {
    const text = '# A copy, because the caller may change it.\nrows = list(rows)\n# The rows.\nreturn rows';
    expect(sitesIn('why', text, 'python')).toEqual([splitLines(text).slice(0, 2).join('\n')]);
  });

  it('stand behind code too', () => {
    expect(sitesIn('why', 'seed = random() // to avoid collisions\nx = 1', 'javascript')).toEqual([
      'seed = random() // to avoid collisions',
    ]);
  });
});
