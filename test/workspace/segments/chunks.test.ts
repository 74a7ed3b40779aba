import { expect, it } from 'vitest';
import { languageOf } from '../../../src/workspace/languages';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';

const REPORT = [
  '---',
  'title: Tides',
  '---',
  '',
  '# Gauges',
  '',
  'The gauges are read every hour by the keeper of the quay.',
  '',
  '```{r setup, echo=FALSE}',
  '# Mean of the gauges.',
  'mean_tide <- function(x) {',
  '  sum(x) / length(x)',
  '}',
  '```',
  '',
  '## Levels',
  '',
  '```{python}',
  'def level(x):',
  '    return x - 1',
  '```',
  '',
  '```r',
  'shown <- function() 1',
  '```',
].join('\n');

it.each(['tides.Rmd', 'tides.qmd'])('%s is prose whose chunks have definitions', async (path) => {
  const segmenter = await createSegmenter();
  const language = languageOf(path, REPORT);
  const { segments, symbols, method } = await segmenter.segment({ path, language, text: REPORT });
  segmenter.close();
  expect(method).toBe('headings');
  expect(new Set(segments.map(({ kind }) => kind))).toEqual(new Set(['prose']));
  expect(symbols.map(({ kind, name, startLine, endLine, doc }) => [kind, name, startLine, endLine, doc])).toEqual([
    ['heading', 'Gauges', 5, 25, undefined],
    ['function', 'mean_tide', 11, 13, 'Mean of the gauges.'],
    ['heading', 'Levels', 16, 25, undefined],
    ['function', 'level', 19, 20, undefined],
  ]);
});
