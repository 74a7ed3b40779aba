import { css } from 'lit';

/** Styles of one turn of the thread. */
export const turnStyles = css`
  :host {
    display: block;
    padding: 14px 16px 16px;
  }
  :host + :host {
    border-top: 1px solid var(--vscode-sideBarSectionHeader-border, var(--vscode-widget-border, transparent));
  }
  h2 {
    font-size: 1.12em;
    font-weight: 600;
    line-height: 1.35;
    overflow-wrap: anywhere;
  }
  .scope {
    margin: 5px 0 10px;
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
  }
  .phase {
    display: flex;
    align-items: center;
    gap: 8px;
    color: var(--vscode-descriptionForeground);
    margin: 10px 0;
    min-height: 18px;
  }
  vscode-progress-ring {
    --vsc-progress-ring-size: 16px;
    width: 16px;
    height: 16px;
  }
  .sources {
    margin-top: 14px;
  }
  .sources h3 {
    font-size: 0.85em;
    font-weight: 600;
    text-transform: uppercase;
    letter-spacing: 0.04em;
    color: var(--vscode-descriptionForeground);
    margin-bottom: 4px;
  }
  .sources ol {
    list-style: none;
    padding: 0;
    margin: 0 -6px;
  }
  .source {
    display: flex;
    align-items: flex-start;
  }
  .source > button.row {
    flex: 1;
    min-width: 0;
    padding: 3px 6px;
    align-items: center;
  }
  .source .number {
    flex: none;
  }
  .number {
    min-width: 1.5em;
    padding: 0 4px;
    border-radius: 8px;
    border: 1px solid var(--vscode-contrastBorder, transparent);
    background: var(--vscode-badge-background);
    color: var(--vscode-badge-foreground);
    font-size: 0.8em;
    font-weight: 600;
    text-align: center;
    line-height: 1.5;
  }
  .where {
    display: flex;
    flex-direction: column;
    min-width: 0;
    line-height: 1.35;
  }
  .where .path {
    font-size: 0.9em;
  }
  .source > button.quiet {
    flex: none;
    padding: 5px;
    display: flex;
  }
  pre.quote {
    margin: 2px 6px 8px 34px;
    padding: 6px 10px;
    max-height: 16em;
    overflow: auto;
    font-family: var(--vscode-editor-font-family, monospace);
    font-size: 0.9em;
    line-height: 1.4;
    background: var(--vscode-textCodeBlock-background);
    border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent));
    border-radius: 4px;
  }
  .notices {
    list-style: none;
    padding: 0;
    margin-top: 12px;
  }
  .again {
    margin: 4px 0 0 22px;
  }
  .notices li {
    display: flex;
    gap: 6px;
    color: var(--vscode-descriptionForeground);
  }
  .notices vscode-icon {
    flex: none;
    padding-top: 2px;
  }
  .notices span {
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
    margin-top: 14px;
    color: var(--vscode-descriptionForeground);
    font-size: 0.92em;
  }
  .foot .actions {
    margin-inline-start: auto;
    display: flex;
    gap: 2px;
  }
  .foot .actions button {
    display: flex;
    padding: 4px;
  }
  .failure {
    border: 1px solid var(--vscode-inputValidation-errorBorder);
    background: var(--vscode-inputValidation-errorBackground);
    color: var(--vscode-inputValidation-errorForeground, inherit);
    border-radius: 4px;
    padding: 8px 12px;
    margin-top: 10px;
  }
  .failure .actions {
    display: flex;
    gap: 8px;
    margin-top: 8px;
    flex-wrap: wrap;
  }
  .cursor::after {
    content: '';
    display: inline-block;
    width: 7px;
    height: 1em;
    vertical-align: text-bottom;
    background: var(--vscode-editorCursor-foreground, currentColor);
    opacity: 0.7;
  }
`;
