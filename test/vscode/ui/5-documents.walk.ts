/** Citations of documents that an editor does not show as text: they open the page, the section, the cell. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { makeDocx, makeEpub, makePdf, paragraph } from '../../workspace/sources/documents/make-documents';
import { given, PATIENCE, shootFailures, until, Workbench } from './workbench';

/** One fact in each form, on its second page, in its second chapter or section, in its third cell. */
function makeLibrary(): string {
  const folder = path.join(path.dirname(given.workspace), 'library');
  mkdirSync(folder, { recursive: true });
  const filler = (topic: string): string => `This part is about ${topic} and about nothing else at all.`;
  writeFileSync(
    path.join(folder, 'harbour.pdf'),
    makePdf([
      [{ text: filler('the anchors of the old pier'), y: 700 }],
      [{ text: 'The harbour master opens the northern lock at half past six.', y: 700 }],
    ]),
  );
  writeFileSync(
    path.join(folder, 'lighthouse.epub'),
    makeEpub(
      {
        'one.xhtml': `<h1>Stones</h1><p>${filler('the stones of the tower')}</p>`,
        'two.xhtml': '<h1>Lamps</h1><p>The keeper of the lighthouse fills the lamp every nineteen hours.</p>',
      },
      ['one.xhtml', 'two.xhtml'],
    ),
  );
  writeFileSync(
    path.join(folder, 'ferry.docx'),
    makeDocx(
      paragraph('Tickets', 'Heading1') +
        paragraph(filler('the tickets of children')) +
        paragraph('Bicycles', 'Heading1') +
        paragraph('The ferry carries at most forty bicycles on its lower deck.'),
    ),
  );
  const cell = (type: 'markdown' | 'code', source: string): object => ({
    cell_type: type,
    metadata: {},
    source: [source],
    ...(type === 'code' ? { outputs: [], execution_count: null } : {}),
  });
  writeFileSync(
    path.join(folder, 'tides.ipynb'),
    JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { language_info: { name: 'python' } },
      cells: [
        cell('markdown', `# Gauges\n\n${filler('the gauges at the quay')}`),
        cell('code', 'quay = 12'),
        cell('code', '# The tide gauge is calibrated every eleven weeks.\nCALIBRATION_WEEKS = 11'),
      ],
    }),
  );
  return folder;
}

describe('citations of documents', () => {
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open({ folder: makeLibrary() });
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  /** Asks, and clicks the first source of the file. */
  async function openCited(question: string, file: string): Promise<string> {
    await workbench.ask(question);
    const answer = await workbench.answered(question);
    const source = answer.locator('.source button.row', { hasText: file }).first();
    await source.waitFor({ timeout: 15_000 * PATIENCE });
    const label = await source.innerText();
    await source.click();
    return label;
  }

  const shownText = async (): Promise<string> =>
    (
      await workbench.page
        .locator('.editor-group-container.active .monaco-editor .view-lines')
        .first()
        .innerText()
        .catch(() => '')
    ).replaceAll('\u00a0', ' ');

  /** Texts of the highlighted lines. */
  async function highlightedText(): Promise<string> {
    const numbers = await workbench.highlightedLines();
    return workbench.page.evaluate((wanted) => {
      const top = (element: Element): number => Math.round(element.getBoundingClientRect().top);
      const editor = document.querySelector('.editor-group-container.active .monaco-editor');
      const rows = new Map(
        [...(editor?.querySelectorAll('.margin-view-overlays .line-numbers') ?? [])].map((element) => [
          top(element),
          Number(element.textContent),
        ]),
      );
      return [...(editor?.querySelectorAll('.view-lines .view-line') ?? [])]
        .filter((line) => wanted.includes(rows.get(top(line)) ?? -1))
        .map((line) => line.textContent)
        .join('\n')
        .replaceAll('\u00a0', ' ');
    }, numbers);
  }

  for (const [form, question, file, fact, place] of [
    ['a PDF at the page', 'When does the harbour master open the lock?', 'harbour.pdf', 'half past six', '[page 2]'],
    ['a book at the chapter', 'How often is the lamp filled?', 'lighthouse.epub', 'nineteen hours', '# Lamps'],
    ['a Word document at the section', 'How many bicycles does the ferry carry?', 'ferry.docx', 'forty', '# Bicycles'],
  ] as const) {
    it(`open ${form}, as text`, async () => {
      await openCited(question, file);
      await until(async () => (await workbench.activeTab()) === file, `${file} is opened`);
      await until(async () => (await shownText()).includes(fact), `the text of ${file} is shown`);
      await until(async () => (await highlightedText()).includes(fact), 'the lines with the fact are highlighted');
      // The mark of the page, or the heading of the section, stands above the lines.
      const text = await shownText();
      assert.ok(text.includes(place), `${place} in ${text}`);
      assert.ok(text.indexOf(place) < text.indexOf(fact), `${place} is above the fact`);
      if (file === 'harbour.pdf') await workbench.shot('cited-page');
    });
  }

  it('open a notebook at the cell', async () => {
    await openCited('How often is the tide gauge calibrated?', 'tides.ipynb');
    await until(async () => (await workbench.activeTab()) === 'tides.ipynb', 'the notebook is opened');
    const cell = workbench.page.locator('.statusbar-item', { hasText: /^Cell \d+ of 3$/ });
    await until(
      async () => (await cell.innerText().catch(() => '')).includes('Cell 3 of 3'),
      'the cell with the fact is selected',
      30_000,
    );
    await workbench.shot('cited-cell');
  });

  it('explain the code of a notebook’s cell', async () => {
    await workbench.page.locator('.notebookOverlay .view-line span', { hasText: 'CALIBRATION_WEEKS' }).last().click();
    await workbench.command('Anchorage: Explain');
    const answer = await workbench.panel('answer');
    await until(
      async () =>
        (await answer.locator('.foot').count()) === 1 &&
        /tides\.ipynb/.test(await answer.locator('anchorage-turn article').innerText()) &&
        /CALIBRATION_WEEKS/.test(await answer.locator('anchorage-turn article').innerText()),
      'the cell is explained',
      30_000,
    );
  });
});
