import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { given, shootFailures, until, Workbench } from './workbench';

/** A workspace of two folders, both named `app`. */
function makeTwins(): string {
  const root = path.join(path.dirname(given.workspace), 'twins');
  for (const [side, minutes] of [
    ['client', 'ten'],
    ['server', 'thirty'],
  ] as const) {
    const file = path.join(root, side, 'app', 'src', 'session.ts');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(
      file,
      `/** Ends a ${side} session that has been idle for ${minutes} minutes. */\nexport function endIdleSession(idleMinutes: number): boolean {\n  return idleMinutes > ${minutes === 'ten' ? 10 : 30};\n}\n`,
    );
  }
  const file = path.join(root, 'twins.code-workspace');
  writeFileSync(file, JSON.stringify({ folders: [{ path: 'client/app' }, { path: 'server/app' }] }));
  return file;
}

describe('a workspace of two folders with the same name', () => {
  const QUESTION = 'When is an idle session ended?';
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open({ workspaceFile: makeTwins() });
    await workbench.indexed();
  });
  shootFailures();
  after(async () => {
    await workbench.close();
  });

  it('is fully indexed, with distinct folder names', async () => {
    await workbench.ask(QUESTION);
    await workbench.answered(QUESTION);
    const paths = new Set(await workbench.foundPaths());
    assert.deepEqual([...paths].sort(), ['app (client)/src/session.ts', 'app (server)/src/session.ts']);
  });

  for (const [side, minutes] of [
    ['server', 'thirty'],
    ['client', 'ten'],
  ] as const) {
    it(`answers a question about the ${side} from its folder, and opens its file`, async () => {
      const question = `${QUESTION} (${side})`;
      await workbench.askAbout(new RegExp(`Folder\\s*app \\(${side}\\)`), question);
      const answer = await workbench.answered(question);
      const paths = await workbench.foundPaths();
      assert.ok(paths.length > 0 && paths.every((each) => each === `app (${side})/src/session.ts`), paths.join(' '));
      await answer.locator('.source button.row').first().click();
      const text = workbench.page.locator('.editor-group-container.active .monaco-editor .view-lines');
      await until(
        async () =>
          (await text.innerText().catch(() => '')).replaceAll('\u00a0', ' ').includes(`idle for ${minutes} minutes`),
        `the ${side}'s file is open`,
      );
      await until(async () => (await workbench.highlightedLines()).length > 0, 'lines are highlighted');
      if (side === 'server') await workbench.shot('two-folders');
    });
  }

  it('takes a question about one folder from the explorer', async () => {
    await workbench.command('View: Show Explorer');
    const roots = workbench.page.locator('.explorer-folders-view .monaco-list-row[aria-level="1"]');
    await workbench.contextAction(roots.nth(1), 'Ask About Folder');
    await workbench.choosePlace(/Folder\s*app \(server\)/, 'What ends a session?');
    await workbench.answered('What ends a session?');
    const paths = await workbench.foundPaths();
    assert.ok(paths.length > 0 && paths.every((each) => each.startsWith('app (server)/')), paths.join(' '));
  });
});
