import { describe, expect, it } from 'vitest';
import { linkedMarkdown } from '../../src/base';
import { citation } from '../citation';

describe('linkedMarkdown', () => {
  it('links each citation to its lines and lists the sources', () => {
    expect(
      linkedMarkdown('It retries [1], twice [2].', [citation(1, 'src/a.py', 3, 9), citation(2, 'b c.py', 4, 4)]),
    ).toBe(
      'It retries [\\[1\\]](src/a.py#L3-L9), twice [\\[2\\]](b%20c.py#L4).\n\n1. [src/a.py:3-9](src/a.py#L3-L9)\n2. [b c.py:4](b%20c.py#L4)',
    );
  });

  it('leaves code, other links and unknown numbers alone', () => {
    const text = '`a[1]` and [1](x) and [7]\n\n```py\na[1]\n```\n\n````\n```\n[1]\n```\n````\nthen [1]';
    const linked = linkedMarkdown(text, [citation(1, 'a.py', 1, 1)]);
    expect(linked.match(/\(a\.py#L1\)/g)).toHaveLength(2);
    expect(linked).toContain('`a[1]` and [1](x) and [7]');
    expect(linked).toContain('then [\\[1\\]](a.py#L1)');
  });

  it('encodes parentheses, and names a page instead of lines', () => {
    const paper = { ...citation(1, 'docs/paper (1).pdf', 3, 9), place: { kind: 'page' as const, number: 2 } };
    expect(linkedMarkdown('[1]', [paper])).toContain('1. [docs/paper (1).pdf, page 2](docs/paper%20%281%29.pdf)');
  });
});
