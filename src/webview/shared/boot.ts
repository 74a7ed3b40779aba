import { onMessage, post } from './host';
import * as l10n from '@vscode/l10n';
import type { HostMessage } from '../../protocol';

/** The root element of a panel. */
export interface Panel extends HTMLElement {
  receive(message: HostMessage): void;
}

/**
 * Adds the panel to the document and sends `ready` to the host. An uncaught error shows a message with a Reload button.
 */
export function boot(create: () => Panel): void {
  // The editor pads the body of a panel, but these panels have their own margins.
  const page = new CSSStyleSheet();
  page.replaceSync('html, body { padding: 0; margin: 0; } main[role=alert] { padding: 20px; }');
  document.adoptedStyleSheets = [page];
  window.addEventListener('error', (event) => showBoundary(event.error ?? event.message));
  window.addEventListener('unhandledrejection', (event) => showBoundary(event.reason));
  try {
    const panel = create();
    document.body.append(panel);
    onMessage((message) => {
      try {
        panel.receive(message);
      } catch (error) {
        showBoundary(error);
      }
    });
    post({ type: 'ready' });
  } catch (error) {
    showBoundary(error);
  }
}

let failed = false;

function showBoundary(error: unknown): void {
  // Chromium reports an unfinished resize observer as an error. It is harmless.
  const message = error instanceof Error ? error.message : String(error);
  if (failed || message.startsWith('ResizeObserver loop')) return;
  failed = true;
  const alert = document.createElement('main');
  alert.setAttribute('role', 'alert');
  const heading = document.createElement('h1');
  heading.textContent = l10n.t('This panel could not be shown.');
  const detail = document.createElement('p');
  detail.textContent = message;
  const reload = document.createElement('button');
  reload.textContent = l10n.t('Reload panel');
  reload.addEventListener('click', () => post({ type: 'reload' }));
  alert.append(heading, detail, reload);
  document.body.replaceChildren(alert);
  reload.focus();
}
