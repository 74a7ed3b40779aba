import { coverageData, foundData, foundText } from '../results';
import { COVERAGE, FIRST_LINE, FOUND_SPAN, LAST_LINE, list, object, PATH, wholeNumber } from '../schemas';
import { defineTool } from '../tool';

export const findRelated = defineTool<{ path: string; startLine: number; endLine: number; limit?: number }, object>({
  name: 'find_related',
  title: 'Find similar code',
  description:
    'Finds code that resembles given lines, by their path and line numbers: copies, other implementations of the ' +
    'same thing, and tests. Use it to change all similar places alike.',
  input: object(
    { path: PATH, startLine: FIRST_LINE, endLine: LAST_LINE },
    { limit: wholeNumber('Number of spans. Default: 8.', 1, 30) },
  ),
  output: object({ results: list(FOUND_SPAN), coverage: COVERAGE }),
  async run({ path, startLine, endLine, limit = 8 }, { ask, gate }) {
    const { file } = await gate.admit(path);
    const lines = { file, startLine, endLine: Math.max(startLine, endLine) };
    const { spans, coverage } = await ask('related', { ...lines, limit });
    const results = await gate.passing(spans);
    return {
      text: foundText(results, coverage),
      data: { results: results.map(foundData), coverage: coverageData(coverage) },
    };
  },
});
