import { describe, expect, it } from 'vitest';
import { ask } from '../../../src/assistant/ask';
import { toolsOver } from '../memory-library';

async function markdownOf(question: string, text: string, name = 'guide.md'): Promise<string> {
  return (await ask({ id: 'q', question, scope: { kind: 'workspace' } }, toolsOver({ [name]: text }))).markdown;
}

const filler = 'The clerks sort the post in the morning, and the carriers take it to the houses of the town. '.repeat(
  3,
);

describe('quotes from prose', () => {
  it('begin with the section, and hold the sentence with the value', async () => {
    const text = `# Post office\n\n## Letters\n\n${filler}\n\nThe office collects letters on each weekday. ${filler}A letter that nobody asks for is kept for 30 days. ${filler}\n`;
    const markdown = await markdownOf('How long is a letter kept?', text);
    expect(markdown.startsWith('**Letters** in `guide.md` [1]\n\n>')).toBe(true);
    expect(markdown.slice(0, 700)).toContain('kept for 30 days');
  });

  it('hold the announcing sentence of a list item', async () => {
    const items = ['letters', 'cards', 'parcels', 'newspapers', 'crates'].map(
      (item, i) =>
        `- ${item}: drawer ${i + 1} of the big cupboard, which stands in the hall behind the counter of the office`,
    );
    const text = `# Post office\n\nThe drawers of the cupboard are these:\n\n${items.join('\n')}\n`;
    const markdown = await markdownOf('In which drawer are newspapers?', text);
    expect(markdown).toContain('> The drawers of the cupboard are these:');
    expect(markdown).toContain('> - newspapers: drawer 4');
  });

  it('end with what their last line announces', async () => {
    const items = ['letters', 'cards', 'parcels', 'newspapers', 'crates', 'catalogues', 'bags'].map(
      (item, i) => `- For ${item} that come from another town and stay longer than a week:\n\n  ${i + 2} days`,
    );
    const text = `# Post office\n\nThe clerks wait before they send back what nobody fetches:\n\n${items.join('\n\n')}\n`;
    expect(await markdownOf('How long do the clerks wait for parcels from another town?', text)).toMatch(
      /> - For parcels that[^]*?4 days/,
    );
  });

  it('hold the head of a table with the row', async () => {
    const rows = ['Letters', 'Cards', 'Parcels', 'Crates', 'Newspapers', 'Catalogues'].map(
      (name, i) => `| ${name} | ${i + 1} kg in each bag of the carrier, weighed on the scale that stands at the door |`,
    );
    const text = `# Weights\n\n| Kind | Most weight |\n| --- | --- |\n${rows.join('\n')}\n`;
    const markdown = await markdownOf('What weight may newspapers have?', text);
    expect(markdown).toContain('> | Kind | Most weight |');
    expect(markdown).toContain('> | Newspapers | 5 kg');
  });

  it('end with the lines of a long listing that have the words of the question', async () => {
    const code = Array.from({ length: 40 }, (_, i) => `openDrawer(${i}, 'with a brass key of the office');`);
    code[25] = "setLimit('parcels', 12);";
    const text = `# Rules\n\nThe limit of parcels is set in the rules of the office:\n\n\`\`\`js\n${code.join('\n')}\n\`\`\`\n`;
    const markdown = await markdownOf('How is the limit of parcels set?', text);
    expect(markdown).toContain("> setLimit('parcels', 12);");
    expect(markdown).not.toContain('openDrawer(3,');
  });

  it('end with the lines of a listing that have the names of the announcement', async () => {
    const code = Array.from({ length: 30 }, (_, i) => `set parcels limit ${i}`);
    code[20] = 'weight: 4';
    const text = `# Rules\n\nThe limit of parcels is given by the key \`weight\`:\n\n\`\`\`\n${code.join('\n')}\n\`\`\`\n`;
    expect(await markdownOf('How is the limit of parcels given?', text)).toContain('> weight: 4');
  });

  it('leave out the marks of blocks', async () => {
    const text =
      '# Letters\n\n[[_lost]]\n(((letters)))\nimage::a.png[A letter]\n[NOTE]\nA lost letter is kept for a month.\n\n____\n[source,console]\npost find\n';
    const markdown = await markdownOf('How long is a lost letter kept?', text);
    expect(markdown).toContain('> A lost letter is kept for a month.');
    expect(markdown).not.toMatch(/^> (?:____|\[|\(|image)/m);
  });

  it('show the names and texts of roles', async () => {
    const text =
      '# Post office\n\nA clerk who loses a letter raises {exc}`post.Lost`, which the :class:`~post.Master` handles.\n';
    const markdown = await markdownOf('Which error does a clerk raise who loses a letter?', text);
    expect(markdown).toContain('> A clerk who loses a letter raises `post.Lost`, which the `Master` handles.');
  });

  it('add the next sentence to a short one, even where the quote gets somewhat longer', async () => {
    const next = `The clerk burns them ${'in the big furnace of the yard behind the office, '.repeat(5)}on the last Friday of the month, and sweeps it.`;
    const text = `# Post office\n\nOld letters must leave the cupboard. ${next} ${filler}\n`;
    expect(next.length).toBeGreaterThan(310);
    expect(await markdownOf('Must old letters leave the cupboard?', text)).toContain('last Friday of the month');
  });
});
