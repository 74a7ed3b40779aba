import { formatBytes, formatNumber, formatPercent } from '../../base';
import * as vscode from 'vscode';
import {
  CATALOGUE,
  downloadBytes,
  downloadModel,
  HubError,
  importModel,
  listModel,
  memoryBytes,
  memoryOfWeights,
  type CatalogueEntry,
  type InstalledModel,
} from '../../hub';
import type { ModelHome } from './model-home';

/** Context length in tokens for the memory estimate. */
const ESTIMATE_TOKENS = 8192;

interface Offer extends vscode.QuickPickItem {
  repository?: string;
}

/**
 * Offers models of the catalogue or the hub, downloads one after the user confirms size and licence, and offers to use
 * it.
 */
export async function downloadFromHub(home: ModelHome): Promise<void> {
  const installed = await home.installed();
  const offers: Offer[] = CATALOGUE.filter(
    ({ repository }) => !installed.some(({ name }) => name === repository.replace('/', '--')),
  ).map(offer);
  const picked = await vscode.window.showQuickPick<Offer>(
    [
      ...offers,
      {
        label: vscode.l10n.t('Another Model…'),
        detail: vscode.l10n.t('A model of the Llama family with *.safetensors weights, by its name on the hub'),
      },
    ],
    {
      title: vscode.l10n.t('Download a Model'),
      placeHolder: vscode.l10n.t(
        'From {0}. You can check licence and size before the download starts.',
        new URL(home.endpoint).host,
      ),
      matchOnDescription: true,
      matchOnDetail: true,
    },
  );
  if (!picked) return;
  const repository = picked.repository ?? (await askName());
  if (repository) await offerDownload(home, repository);
}

function offer(entry: CatalogueEntry): Offer {
  const facts = [
    entry.licence,
    vscode.l10n.t('{0} download', formatBytes(downloadBytes(entry.shape))),
    vscode.l10n.t('{0} of memory needed', formatBytes(memoryBytes(entry.shape, ESTIMATE_TOKENS))),
  ];
  return {
    label: entry.title,
    description: entry.repository,
    detail: `${facts.join(' · ')} · ${entry.note}`,
    repository: entry.repository,
  };
}

async function askName(): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('Download a Model'),
    prompt: vscode.l10n.t('Name of the model on the hub'),
    placeHolder: 'owner/name',
    validateInput: (value) =>
      /^[\w.-]+\/[\w.-]+$/.test(value.trim()) ? undefined : vscode.l10n.t('Write it as owner/name.'),
  });
  return name?.trim();
}

/** Offers the download of a model of the catalogue. */
export function downloadRecommended(home: ModelHome, { repository }: CatalogueEntry): Promise<void> {
  return offerDownload(home, repository);
}

/**
 * Looks up a model and downloads it after the user confirms. An interrupted download resumes.
 */
async function offerDownload(home: ModelHome, repository: string): Promise<void> {
  const facts = await refusable(home, () =>
    withHub(home, vscode.l10n.t('Looking up {0}', repository), (options) => listModel(repository, 'main', options)),
  );
  if (!facts) return;
  const total = facts.files.reduce((sum, { size }) => sum + size, 0);
  const weights = facts.files
    .filter(({ name }) => name.endsWith('.safetensors'))
    .reduce((sum, { size }) => sum + size, 0);
  const known = CATALOGUE.find((entry) => entry.repository === repository);
  const memory = known ? memoryBytes(known.shape, ESTIMATE_TOKENS) : memoryOfWeights(weights);
  const download = vscode.l10n.t('Download');
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t('Download {0}?', repository),
    {
      modal: true,
      detail: [
        vscode.l10n.t(
          'Licence: {0}',
          facts.licence ?? known?.licence ?? vscode.l10n.t('not stated (see the model’s page)'),
        ),
        vscode.l10n.t('Download: {0} in {1} files', formatBytes(total), facts.files.length),
        vscode.l10n.t(
          'Memory needed: about {0} with a context of {1} tokens',
          formatBytes(memory),
          formatNumber(ESTIMATE_TOKENS),
        ),
        vscode.l10n.t('From: {0}', new URL(home.endpoint).host),
      ].join('\n'),
    },
    download,
  );
  if (choice !== download) return;
  const model = await refusable(home, () =>
    withHub(home, vscode.l10n.t('Downloading {0}', repository), async (options, report) =>
      downloadModel(await home.directory(), repository, {
        ...options,
        onProgress: ({ bytes, total: all }) =>
          report(all === 0 ? 1 : bytes / all, vscode.l10n.t('{0} of {1}', formatBytes(bytes), formatBytes(all))),
      }),
    ),
  );
  if (model) await offerUse(home, model);
}

/** Copies a model, a folder or a .gguf file, into the folder of models. */
export async function importFromFolder(home: ModelHome): Promise<void> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: true,
      filters: { [vscode.l10n.t('Models')]: ['gguf'] },
      title: vscode.l10n.t('Import a Model'),
      openLabel: vscode.l10n.t('Import'),
    })) ?? [];
  if (!folder) return;
  const directory = await home.directory();
  const model = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Importing {0}', folder.fsPath) },
    () => importModel(directory, folder.fsPath),
  );
  await offerUse(home, model);
}

/** Asks for the hub's access token, and stores or removes it. */
export async function setHubToken(home: ModelHome): Promise<void> {
  const host = new URL(home.endpoint).host;
  const token = await vscode.window.showInputBox({
    title: vscode.l10n.t('Access Token for {0}', host),
    prompt: (await home.hasToken())
      ? vscode.l10n.t('A token is stored. Leave this empty to remove it.')
      : vscode.l10n.t('It is kept in the secret storage of VS Code and sent only to {0}.', host),
    password: true,
    ignoreFocusOut: true,
  });
  if (token === undefined) return;
  await home.setToken(token.trim());
  void vscode.window.showInformationMessage(
    token.trim()
      ? vscode.l10n.t('Access token for {0} stored.', host)
      : vscode.l10n.t('Access token for {0} removed.', host),
  );
}

async function offerUse(home: ModelHome, model: InstalledModel): Promise<void> {
  const use = vscode.l10n.t('Use It');
  if (
    (await vscode.window.showInformationMessage(
      vscode.l10n.t('{0} is installed ({1}).', model.name, formatBytes(model.bytes)),
      use,
    )) === use
  )
    await home.choose(model.directory);
}

/** Runs work with the hub under a cancellable progress notification. */
async function withHub<T>(
  home: ModelHome,
  title: string,
  work: (
    options: Awaited<ReturnType<ModelHome['hub']>>,
    report: (share: number, message: string) => void,
  ) => Promise<T>,
): Promise<T> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, cancellation) => {
      const abort = new AbortController();
      const listener = cancellation.onCancellationRequested(() => abort.abort());
      let shown = 0;
      const report = (share: number, message: string): void => {
        // Bytes arrive in thousands of pieces, so only whole percents are reported.
        const percent = Math.floor(share * 100);
        if (percent === shown) return;
        progress.report({ message: `${formatPercent(share)} · ${message}`, increment: percent - shown });
        shown = percent;
      };
      try {
        return await work(await home.hub(abort.signal), report);
      } finally {
        listener.dispose();
      }
    },
  );
}

/** Runs work with the hub. A refusal is shown with the next step, and the result is undefined. */
async function refusable<T>(home: ModelHome, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    if (error.code === 'cancelled') {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('The download was stopped. The partial download is kept and will resume.'),
      );
      return undefined;
    }
    if (error.code === 'network') {
      await offerOtherWays(error.message);
      return undefined;
    }
    if (error.code !== 'gated') throw error;
    const token = vscode.l10n.t('Set Access Token…');
    if ((await vscode.window.showErrorMessage(error.message, token)) === token) await setHubToken(home);
    return undefined;
  }
}

/** Without a network: what failed in one sentence, and the ways on. */
async function offerOtherWays(failed: string): Promise<void> {
  const local = vscode.l10n.t('Models on This Machine…');
  const importing = vscode.l10n.t('Import…');
  const mirror = vscode.l10n.t('Use a Mirror…');
  const picked = await vscode.window.showErrorMessage(failed, local, importing, mirror);
  if (picked === local) await vscode.commands.executeCommand('anchorage.chooseModel');
  else if (picked === importing) await vscode.commands.executeCommand('anchorage.importModel');
  else if (picked === mirror)
    await vscode.commands.executeCommand('workbench.action.openSettings', 'anchorage.model.hub');
}
