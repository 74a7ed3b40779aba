import { object, PATH, text, wholeNumber, yesOrNo } from '../schemas';
import { defineTool } from '../tool';

export const whyNotIndexed = defineTool<{ path: string }, object>({
  name: 'why_not_indexed',
  title: 'Why a file is not indexed',
  description:
    'Checks one file by its path: whether it is indexed, and which ignore rule, setting, size or secret excludes ' +
    'it. Use it for a file that is missing from results.',
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
    await gate.mustExist(path);
    const { path: name, indexed, reason, rule } = await gate.why(path);
    return {
      text: `${name} is ${indexed ? '' : 'not '}indexed: ${reason}`,
      data: { path: name, indexed, reason, ...(rule ? { rule: { ...rule } } : {}) },
    };
  },
});
