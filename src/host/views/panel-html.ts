import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

export type PanelName = 'answer' | 'spans' | 'cache' | 'summary';

/** Folders that a panel may load from. */
export function panelRoots(extension: vscode.Uri): vscode.Uri[] {
  return [vscode.Uri.joinPath(extension, 'dist', 'webview'), vscode.Uri.joinPath(extension, 'dist', 'codicons')];
}

/** The HTML document of a panel. Its policy allows one script with a nonce, the styles and the icon font. */
export function panelHtml(webview: vscode.Webview, extension: vscode.Uri, panel: PanelName, title: string): string {
  const nonce = randomBytes(18).toString('base64');
  const script = webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', `${panel}.js`));
  const icons = webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'codicons', 'codicon.css'));
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    // These two do not fall back to default-src.
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escape(vscode.env.language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)}</title>
  <link rel="stylesheet" href="${icons.toString()}" id="vscode-codicon-stylesheet" nonce="${nonce}">
</head>
<body>
  <script type="application/json" id="strings">${JSON.stringify(vscode.l10n.bundle ?? {}).replaceAll('<', '\\u003c')}</script>
  <script nonce="${nonce}" src="${script.toString()}"></script>
</body>
</html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
