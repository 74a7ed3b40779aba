import { chromium } from 'playwright-core';

/** Launches Chromium to show the editor. It renders without a GPU and can connect only to this machine. */
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

/** Address of the editor with an open folder or `.code-workspace` file, and an optional payload. */
export function editorUrl(origin, { folder, workspace, payload = [] }) {
  const parameters = new URLSearchParams();
  if (folder) parameters.set('folder', folder);
  if (workspace) parameters.set('workspace', workspace);
  if (payload.length > 0) parameters.set('payload', JSON.stringify(payload));
  return `${origin}/?${parameters}`;
}
