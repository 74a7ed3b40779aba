import { expect, it } from 'vitest';
import { LineTable } from '../../../src/base';
import { yamlHeadings } from '../../../src/workspace/segments/yaml-prose';

const PARAGRAPH = [
  'A filter takes an input and produces an output.',
  'There are many filters for taking a field of an object,',
  'and some of them produce several results at once.',
];
const block = (indent: string): string => [...PARAGRAPH, '', ...PARAGRAPH].map((line) => `${indent}${line}`).join('\n');

it('reads a manual in YAML as prose, with its titles by their depth', () => {
  const manual = `headline: Manual\nsections:\n${[1, 2, 3]
    .map(
      (i) =>
        `  - title: "Part ${i}"\n    body: |\n${block('      ')}\n    entries:\n      - title: \`Entry ${i}\`\n        body: |\n${block('          ')}\n`,
    )
    .join('')}`;
  const headings = yamlHeadings(new LineTable(manual));
  expect(headings?.map(({ level, title }) => `${level} ${title}`)).toEqual([
    '1 Manual',
    '2 Part 1',
    '3 Entry 1',
    '2 Part 2',
    '3 Entry 2',
    '2 Part 3',
    '3 Entry 3',
  ]);
});

it('takes the scripts of a workflow for data', () => {
  const step = (i: number): string =>
    `      - name: Step ${i} of the build\n        run: |\n          npm ci --ignore-scripts\n          npm run build -- --target linux-x64\n          cp -r dist/out /tmp/artifacts/step-${i}\n`;
  const workflow = `name: build\non: push\njobs:\n  all:\n    steps:\n${Array.from({ length: 30 }, (_, i) => step(i)).join('')}`;
  expect(yamlHeadings(new LineTable(workflow))).toBeUndefined();
});
