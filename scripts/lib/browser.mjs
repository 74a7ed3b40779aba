import { chromium } from 'playwright-core';

/** Chromium for a look at the editor: it draws without a GPU and reaches nothing but this machine. */
export function launchBrowser(executablePath) {
  return chromium.launch({
    executablePath,
    headless: true,
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
}

/** Address of the editor with a folder (or `.code-workspace` file) open, and what it should be told besides. */
export function editorUrl(origin, { folder, workspace, payload = [] }) {
  const parameters = new URLSearchParams();
  if (folder) parameters.set('folder', folder);
  if (workspace) parameters.set('workspace', workspace);
  if (payload.length > 0) parameters.set('payload', JSON.stringify(payload));
  return `${origin}/?${parameters}`;
}
