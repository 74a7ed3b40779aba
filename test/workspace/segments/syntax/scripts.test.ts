/** Scripts inside pages and components. */
import { expect, it } from 'vitest';
import { embeddedScript } from '../../../../src/workspace/segments/syntax/scripts';

const scripts = (text: string, language: string): string[] | undefined =>
  embeddedScript(text, language)?.ranges.map(({ start, end }) => text.slice(start, end));

it.each([
  ['html', '<BODY><SCRIPT LANGUAGE="JavaScript">a();</SCRIPT></BODY>', ['a();']],
  ['html', '<script>a();</SCRIPT><Script>b();</script>', ['a();', 'b();']],
  ['html', '<script type="application/json">{}</script><script>a();</script>', ['a();']],
  ['html', '<script>never ends', undefined],
  ['vue', '<template/>\n<script lang="ts">let a: number;</script>', ['let a: number;']],
  ['astro', '---\nconst a = 1;\n---\n<p/>\n<script>b();</script>', ['const a = 1;\n', 'b();']],
  ['astro', '---\r\nconst a = 1;\r\n---\r\n<p/>', ['const a = 1;\r\n']],
  ['astro', '<p/>\n---\nconst a = 1;\n---\n', undefined],
  ['astro', '---\nnever ends\n', undefined],
  ['python', '<script>a();</script>', undefined],
])('%s: %j', (language, text, expected) => {
  expect(scripts(text, language)).toEqual(expected);
});
