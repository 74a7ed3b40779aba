import path from 'node:path';
import { afterEach } from 'mocha';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';

interface Given {
  origin: string;
  /** Address of a server with workspace trust on. */
  restricted: string;
  /** Address of a server whose display language is German. */
  german: string;
  workspace: string;
  browser: string;
  shots: string;
  /** Folder of the staged extension with its built panels. */
  staged: string;
  serverPid: number;
  /** The user's home folder. */
  home: string;
}

/** The setup from scripts/test-vscode.mjs. */
export const given = JSON.parse(process.env['ANCHORAGE_UI'] ?? '{}') as Given;

/** Factor of every time limit, for a busy machine: ANCHORAGE_PATIENCE, default 1. */
export const PATIENCE = Number(process.env['ANCHORAGE_PATIENCE'] ?? 1) || 1;

let browser: Promise<Browser> | undefined;

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** Opens a new browser window. The first call starts the browser. */
export async function newPage(viewport: { width: number; height: number }): Promise<Page> {
  browser ??= chromium.launch({
    executablePath: given.browser,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--force-color-profile=srgb',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
  // The browser would ask the user for these permissions. Copy needs them.
  const context = await (await browser).newContext({ viewport, permissions: ['clipboard-read', 'clipboard-write'] });
  context.setDefaultTimeout(12_000 * PATIENCE);
  context.setDefaultNavigationTimeout(30_000 * PATIENCE);
  return context.newPage();
}

export interface OpenOptions {
  origin?: string;
  folder?: string;
  /** A `.code-workspace` file, instead of the folder. */
  workspaceFile?: string;
  width?: number;
  height?: number;
}

/** Drives the editor like a user, by keyboard and mouse. */
export class Workbench {
  /** The open windows. */
  static readonly windows = new Set<Workbench>();

  private constructor(readonly page: Page) {
    Workbench.windows.add(this);
  }

  static async open({
    origin = given.origin,
    folder = given.workspace,
    workspaceFile,
    width = 1280,
    height = 800,
  }: OpenOptions = {}): Promise<Workbench> {
    const page = await newPage({ width, height });
    await page.goto(
      workspaceFile
        ? `${origin}/?workspace=${encodeURIComponent(workspaceFile)}`
        : `${origin}/?folder=${encodeURIComponent(folder)}`,
    );
    const explorer = page.locator('.explorer-folders-view .monaco-list-row').first();
    try {
      await explorer.waitFor({ timeout: 30_000 * PATIENCE });
    } catch {
      // The window did not open in time.
      await page.reload();
      await explorer.waitFor({ timeout: 45_000 * PATIENCE });
    }
    await page.locator('.monaco-workbench .statusbar').waitFor();
    return new Workbench(page);
  }

  async close(): Promise<void> {
    Workbench.windows.delete(this);
    await this.page.context().close();
  }

  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    const row = this.page.locator(`.quick-input-widget .monaco-list-row[aria-label^="${title}"]`).first();
    // Shortly after the start the palette may not list all commands yet.
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F1');
      const input = this.quickInput();
      await input.waitFor();
      await input.fill(`>${title}`);
      try {
        await row.waitFor({ timeout: 3_000 * PATIENCE });
        break;
      } catch (error) {
        if (attempt === 6) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
    // The palette may list another command first.
    while (!(await row.getAttribute('class'))?.includes('focused')) await this.page.keyboard.press('ArrowDown');
    await this.page.keyboard.press('Enter');
  }

  quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input.input').first();
  }

  /**
   * Fills an input box once it is the topmost one. The list that opened it closes after the box opens.
   */
  async fillBox(selector: string, text: string): Promise<void> {
    const box = this.page.locator(`.quick-input-widget:visible input.input${selector}`);
    await box.waitFor();
    await box.fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Asks a question through the command palette. */
  async ask(question: string): Promise<void> {
    await this.command('Anchorage: Ask About Workspace');
    await this.page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Workspace' }).first().waitFor();
    await this.quickInput().fill(question);
    await this.page.keyboard.press('Enter');
  }

  /**
   * Rebuilds the index and waits until it is complete. On a busy machine the first question could otherwise be answered
   * from some of the files.
   */
  async indexed(): Promise<void> {
    await this.command('Anchorage: Rebuild Index');
    await until(async () => (await this.status()).includes('ready'), 'the workspace is indexed', 60_000);
  }

  /** Asks about the scope whose row contains `place`. */
  async askAbout(place: string | RegExp, question: string): Promise<void> {
    await this.command('Anchorage: Ask About Workspace');
    await this.choosePlace(place, question);
  }

  /**
   * Opens the context menu of an element and picks an entry. The editor ignores clicks on a menu that has just opened.
   */
  async contextAction(element: Locator, label: string): Promise<void> {
    await element.click({ button: 'right' });
    const entry = this.page.locator('.monaco-menu .action-item', { hasText: label }).first();
    await entry.waitFor();
    await until(async () => {
      await entry.click({ timeout: 1_000 }).catch(() => {});
      return !(await entry.isVisible());
    }, `the menu's “${label}” is taken`);
  }

  /** Types the question in the open quick pick and chooses a scope. */
  async choosePlace(place: string | RegExp, question: string): Promise<void> {
    const row = this.page.locator('.quick-input-widget .monaco-list-row', { hasText: place }).first();
    await row.waitFor();
    await this.quickInput().fill(question);
    while (!(await row.getAttribute('class'))?.includes('focused')) await this.page.keyboard.press('ArrowDown');
    await this.page.keyboard.press('Enter');
  }

  /** Waits for the answer to the first question of a thread. Returns the answer panel. */
  async answered(question: string, limit = 30_000): Promise<Frame> {
    const answer = await this.panel('answer');
    await until(
      async () =>
        (await answer.locator('anchorage-turn').count()) === 1 &&
        (await answer.locator('anchorage-turn h2').first().innerText()).includes(question) &&
        (await answer.locator('.foot').count()) === 1,
      `the answer to “${question}”`,
      limit,
    );
    return answer;
  }

  /** Paths of the spans of the last question. */
  async foundPaths(): Promise<string[]> {
    return (await this.panel('spans'))
      .locator('[role=option]')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('title') ?? ''));
  }

  /** Opens the status list with the status item and picks an entry. */
  async statusAction(label: string): Promise<void> {
    await this.page.locator('.statusbar-item[id*="anchorage"] a').first().click();
    await this.quickInput().waitFor();
    await this.quickInput().fill(label);
    await this.page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label }).first().waitFor();
    await this.page.keyboard.press('Enter');
  }

  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+p');
    await this.quickInput().fill(name);
    await this.page
      .locator('.quick-input-widget .monaco-list-row', { hasText: path.basename(name) })
      .first()
      .waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.locator(`.tab.active[data-resource-name="${path.basename(name)}"]`).waitFor();
  }

  /** The frame of a panel, found by its root element, because several webviews may be open. */
  async panel(name: 'answer' | 'spans' | 'cache' | 'summary', timeout = 20_000): Promise<Frame> {
    const deadline = Date.now() + timeout * PATIENCE;
    while (Date.now() < deadline) {
      for (const frame of this.page.frames()) {
        const found = await frame
          .locator(`anchorage-${name}`)
          .count()
          .catch(() => 0);
        if (found > 0) return frame;
      }
      await this.page.waitForTimeout(100);
    }
    throw new Error(`the ${name} panel is not there`);
  }

  /** Lines (1-based) that the editor highlights. */
  async highlightedLines(): Promise<number[]> {
    return this.page.evaluate(() => {
      const top = (element: Element): number => Math.round(element.getBoundingClientRect().top);
      const editor =
        document.querySelector('.editor-group-container.active .monaco-editor') ??
        document.querySelector('.monaco-editor');
      const numbers = new Map(
        [...(editor?.querySelectorAll('.margin-view-overlays .line-numbers') ?? [])].map((element) => [
          top(element),
          Number(element.textContent),
        ]),
      );
      const marked = [
        ...(editor?.querySelectorAll(
          '.view-overlays [class*="TextEditorDecorationType"], .view-overlays [class*="ced-"]',
        ) ?? []),
      ];
      return [...new Set(marked.flatMap((element) => numbers.get(top(element)) ?? []))].sort((a, b) => a - b);
    });
  }

  async activeTab(): Promise<string> {
    return (
      (await this.page.locator('.editor-group-container.active .tab.active').getAttribute('data-resource-name')) ?? ''
    );
  }

  async status(): Promise<string> {
    return (await this.page.locator('.statusbar-item[id*="anchorage"]').first().getAttribute('aria-label')) ?? '';
  }

  /** @param bodyClass class of the workbench under the theme */
  async theme(label: string, bodyClass: string): Promise<void> {
    await this.command('Preferences: Color Theme');
    await this.page.locator('.quick-input-widget .monaco-list-row', { hasText: 'Dark' }).first().waitFor();
    await this.quickInput().fill(label);
    await this.page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label }).first().waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.locator(`.monaco-workbench.${bodyClass}`).waitFor();
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(given.shots, `${name}.png`) });
  }

  /** Hovers over a word of the open editor until the hover shows. A first try may fail while the view still moves. */
  async hover(word: string): Promise<Locator> {
    const hover = this.page.locator('.monaco-hover:visible', { hasText: 'Defined in' });
    for (let attempt = 0; attempt < 6; attempt++) {
      await this.page.mouse.move(4, 4);
      const token = this.page.locator('.view-line span span', { hasText: new RegExp(`^${word}$`) }).first();
      await token.hover({ force: true });
      const box = await token.boundingBox();
      if (box) await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 3 });
      try {
        await hover.first().waitFor({ timeout: 3_000 });
        return hover.first();
      } catch {
        // The token may have moved under the pointer, so it tries again.
      }
    }
    throw new Error(`no hover over ${word}`);
  }
}

/** For use in a `describe`: saves a screenshot of every open window if a walk fails. */
export function shootFailures(): void {
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    const name = `failed-${this.currentTest.title.replace(/\W+/g, '-')}`;
    for (const [number, window] of [...Workbench.windows].entries())
      await window.shot(number === 0 ? name : `${name}-${number + 1}`);
  });
}

/** Waits until `look` is true. Fails after `limit` ms with the description `what`. */
export async function until(look: () => Promise<boolean>, what: string, limit = 15_000): Promise<void> {
  const deadline = Date.now() + limit * PATIENCE;
  while (Date.now() < deadline) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${limit * PATIENCE} ms: ${what}`);
}
