import { coverageData, foundData, foundText } from '../results';
import { COVERAGE, FOUND_SPAN, list, object, text, wholeNumber } from '../schemas';
import { defineTool, notBlank } from '../tool';

export const search = defineTool<{ query: string; folder?: string; limit?: number }, object>({
  name: 'search',
  title: 'Search the workspace',
  description:
    'Finds places in code, documentation, PDF, Word and notebooks, by meaning and by name. Returns the best spans ' +
    'of lines with their text. Examples: where logging is set up; which files handle uploads; all code that ' +
    'closes connections; pages about installation. No path is needed. Use it instead of grep.',
  input: object(
    { query: text('A question in plain words, or the names you expect.') },
    {
      folder: text('Search only this folder, relative to the workspace.'),
      limit: wholeNumber('Number of spans. Default: 8.', 1, 30),
    },
  ),
  output: object({ results: list(FOUND_SPAN), coverage: COVERAGE }),
  searches: true,
  async run({ query, folder, limit = 8 }, { ask, gate }) {
    const question = notBlank('query', query);
    const scope =
      folder === undefined
        ? ({ kind: 'workspace' } as const)
        : ({ kind: 'folder', path: await gate.folder(folder) } as const);
    const { spans, coverage } = await ask('search', { question, scope, limit });
    const results = await gate.passing(spans);
    return {
      text: foundText(results, coverage),
      data: { results: results.map(foundData), coverage: coverageData(coverage) },
    };
  },
});
