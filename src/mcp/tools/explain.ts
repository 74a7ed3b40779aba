import { definitionNamed } from '../../app';
import { AppError } from '../../base';
import { citationData, fence, placeText, spanData } from '../results';
import { CITATION, list, LAST_LINE, object, PATH, text, wholeNumber } from '../schemas';
import { type Call, defineTool } from '../tool';

interface Input {
  name?: string;
  path?: string;
  startLine?: number;
  endLine?: number;
}

export const explain = defineTool<Input, object>({
  name: 'explain',
  title: 'Explain a definition',
  description:
    'Explains one function, class or other definition: its signature and comment, what it calls, and where it is ' +
    'used. Give its name, or a path and a line. Use it before you change something, to see who depends on it.',
  input: object(
    {},
    {
      name: text('Name of the definition: take, Pool.take.'),
      path: PATH,
      startLine: wholeNumber('A line of the definition, with path.', 1),
      endLine: LAST_LINE,
    },
  ),
  output: object({
    title: text('Name of what is explained.'),
    path: text('Path relative to the workspace.'),
    startLine: wholeNumber('First line.', 1),
    endLine: wholeNumber('Last line.', 1),
    uri: text('Resource with these lines.'),
    explanation: text('Markdown with citations as [1], [2].'),
    citations: list(CITATION),
  }),
  async run(input, call) {
    const { session, gate, signal, progress } = call;
    const explained = await session.answering.explain(await targetOf(input, call), { signal, progress });
    const citations = await gate.passing(explained.citations);
    if (citations.length < explained.citations.length)
      throw new AppError('notIndexed', 'A file that the explanation rests on was just excluded.', 'Try again.');
    return {
      text: [
        `${explained.title} (${placeText(explained)})`,
        explained.markdown,
        ...citations.map((each) => `[${each.number}] ${placeText(each)} ${each.label}\n${fence(each.text, '')}`),
      ].join('\n\n'),
      data: {
        title: explained.title,
        ...spanData(explained),
        explanation: explained.markdown,
        citations: citations.map(citationData),
      },
    };
  },
});

async function targetOf({ name, path, startLine, endLine = startLine }: Input, { session, gate }: Call) {
  if (path !== undefined && startLine !== undefined)
    return { file: (await gate.admit(path)).file, startLine, endLine: endLine ?? startLine };
  if (name === undefined) throw new AppError('usage', 'Give a `name`, or a `path` and a `startLine`.');
  const found = await definitionNamed(name, session.workspace);
  if (!found)
    throw new AppError('fileNotFound', `Nothing in the workspace defines “${name}”.`, 'Use search to find the name.');
  await gate.admit(found.file);
  const { startLine: line } = found.symbol;
  return { file: found.file, startLine: line, endLine: line };
}
