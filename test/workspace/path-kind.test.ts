import { describe, expect, it } from 'vitest';
import { pathKind } from '../../src/workspace/path-kind';

describe('pathKind', () => {
  const kinds = (path: string): string[] => Object.entries(pathKind(path)).flatMap(([kind, is]) => (is ? [kind] : []));
  it.each([
    ['src/flask/app.py', []],
    ['tests/test_app.py', ['test']],
    ['pkg/server/server_test.go', ['test']],
    ['src/main/java/com/x/ParserTest.java', ['test']],
    ['web/src/button.spec.tsx', ['test']],
    ['src/contest/latest.py', []],
    ['src/attestation.ts', []],
    ['examples/tutorial/app.py', ['example']],
    ['docs/guide/install.md', ['docs']],
    ['CHANGELOG.md', ['docs', 'history']],
    ['types/index.d.ts', ['declaration']],
    ['src/pkg/__init__.py', ['entry']],
    ['third_party/zlib/inflate.c', ['foreign']],
    ['web/app.min.js', ['foreign']],
    ['pnpm-lock.yaml', ['foreign', 'config', 'lock']],
    ['go.sum', ['foreign', 'lock']],
    ['web/npm-shrinkwrap.json', ['foreign', 'config', 'lock']],
    ['src/lock.go', []],
    ['locale/de/LC_MESSAGES/app.po', ['translation']],
    ['src/locales/fr.ts', ['translation']],
    ['docs/zh-CN/guide.md', ['docs', 'translation']],
    ['README.ja.md', ['docs', 'translation']],
    ['src/languages/rust.ts', []],
    ['docs/api/index.md', ['docs']],
    ['src/tr/row.ts', []],
    ['t/unit/worker/consumer.py', ['test']],
    ['caddytest/integration/proxy.caddyfiletest', ['test']],
    ['.github/workflows/ci.yml', ['config', 'tooling']],
  ])('%s', (path, expected) => expect(kinds(path)).toEqual(expected));
});
