import { randomUUID } from 'node:crypto';
import { AppError } from '../../base';
import { citationData, coverageData, coverageText, fence, placeText, spanData } from '../results';
import { CITATION, COVERAGE, list, object, text, wholeNumber } from '../schemas';
import { type Call, defineTool, notBlank } from '../tool';

interface Input {
  definition: string;
}

/** A file and one of its lines, or several. */
const PLACE = /^(?<path>.+?):(?<first>\d+)(?:-(?<last>\d+))?$/;

export const explain = defineTool<Input, object>({
  name: 'explain',
  title: 'Explain a definition',
  description:
    'Tells about one function, class or method by its name: what it does, what it calls, who calls it, and what ' +
    'depends on it. Use it before you change a definition.',
  input: object({
    definition: text('Its name, such as Pool.take, or its place, such as src/pool.py:57.'),
  }),
  output: object({
    title: text('Name of what is explained.'),
    path: text('Path relative to the workspace.'),
    startLine: wholeNumber('First line.', 1),
    endLine: wholeNumber('Last line.', 1),
    uri: text('Resource with these lines.'),
    explanation: text('Markdown with citations as [1], [2].'),
    citations: list(CITATION),
    coverage: COVERAGE,
  }),
  async run(input, call) {
    const { ask, gate, progress } = call;
    const explained = await ask('explain', { id: randomUUID(), ...(await targetOf(input, call)) }, { progress });
    const citations = await gate.passing(explained.citations);
    if (citations.length < explained.citations.length)
      throw new AppError('notIndexed', 'A file that the explanation rests on was just excluded.', 'Try again.');
    const coverage = await ask('index/coverage', null);
    return {
      text: [
        ...coverageText(coverage),
        `${explained.title} (${placeText(explained)})`,
        explained.markdown,
        ...citations.map((each) => `[${each.number}] ${placeText(each)} ${each.label}\n${fence(each.text, '')}`),
      ].join('\n\n'),
      data: {
        title: explained.title,
        ...spanData(explained),
        explanation: explained.markdown,
        citations: citations.map(citationData),
        coverage: coverageData(coverage),
      },
    };
  },
});

async function targetOf({ definition }: Input, { ask, gate }: Call) {
  const named = notBlank('definition', definition);
  const { path, first, last = first } = PLACE.exec(named)?.groups ?? {};
  if (path !== undefined) {
    const startLine = Number(first);
    return { file: (await gate.admit(path)).file, startLine, endLine: Math.max(startLine, Number(last)) };
  }
  const found = await ask('index/definition', { name: named });
  const { indexing, filesIndexed, filesKnown } = await ask('index/coverage', null);
  if (!found && indexing)
    throw new AppError(
      'fileNotFound',
      `None of the ${filesIndexed} files indexed so far, of ${filesKnown}, defines “${named}”.`,
      'Indexing is still running: try again later.',
    );
  if (!found)
    throw new AppError('fileNotFound', `Nothing in the workspace defines “${named}”.`, 'Use search to find the name.');
  await gate.admit(found.file);
  const { file, startLine } = found;
  return { file, startLine, endLine: startLine };
}
