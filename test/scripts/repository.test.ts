import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isPlaceholder, repositoryLinks } from '../../scripts/lib/repository.mjs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  repository: { url: string };
  homepage: string;
  bugs: { url: string };
  private?: boolean;
};

describe('the links of package.json', () => {
  it('match its repository', () => {
    const { homepage, bugs } = repositoryLinks(manifest);
    expect({ homepage: manifest.homepage, bugs: manifest.bugs }).toEqual({ homepage, bugs });
    expect(manifest.private).toBeUndefined();
  });

  it('have the owner of the repository', () => {
    const other = { repository: { url: 'https://github.com/someone/harbour.git' } };
    expect(repositoryLinks(other)).toEqual({
      owner: 'someone',
      homepage: 'https://github.com/someone/harbour#readme',
      bugs: { url: 'https://github.com/someone/harbour/issues' },
    });
    expect(isPlaceholder(other)).toBe(false);
    expect(isPlaceholder({ repository: { url: 'https://github.com/anchorage-owner/anchorage.git' } })).toBe(true);
    expect(() => repositoryLinks({ repository: { url: 'git@host:a/b' } })).toThrow(/https:\/\/github.com\/OWNER/);
  });
});
