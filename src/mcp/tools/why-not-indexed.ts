import { object, PATH, text, wholeNumber, yesOrNo } from '../schemas';
import { defineTool } from '../tool';

export const whyNotIndexed = defineTool<{ path: string }, object>({
  name: 'why_not_indexed',
  title: 'Why a file is not indexed',
  description:
    'Says whether a file of the workspace is indexed, and which rule decides: the line of an ignore file, a setting, ' +
    'its size, or that it holds secrets. Use it when a file that should be found is missing from results.',
  input: object({ path: PATH }),
  output: object(
    {
      path: text('Path relative to the workspace.'),
      indexed: yesOrNo('Whether it is indexed.'),
      reason: text('The rule that decides.'),
    },
    {
      rule: object({
        file: text('The file with the rule.'),
        line: wholeNumber('Its line; 0 for a setting.', 0),
        pattern: text('The pattern.'),
      }),
    },
  ),
  async run({ path }, { gate }) {
    const { path: name, indexed, reason, rule } = await gate.why(path);
    return {
      text: `${name} is ${indexed ? '' : 'not '}indexed: ${reason}`,
      data: { path: name, indexed, reason, ...(rule ? { rule: { ...rule } } : {}) },
    };
  },
});
