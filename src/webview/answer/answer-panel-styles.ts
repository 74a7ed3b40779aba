import { css } from 'lit';

/** Styles of the answer panel. */
export const answerPanelStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100vh;
  }
  .thread {
    flex: 1;
    overflow-y: auto;
    overflow-x: hidden;
  }
  form {
    flex: none;
    padding: 8px 12px 12px;
    border-top: 1px solid var(--vscode-sideBarSectionHeader-border, var(--vscode-widget-border, transparent));
  }
  .box {
    display: flex;
    align-items: flex-end;
    gap: 4px;
    padding: 4px;
    border-radius: 5px;
    background: var(--vscode-input-background);
    border: 1px solid var(--vscode-input-border, var(--vscode-widget-border, var(--vscode-contrastBorder, transparent)));
  }
  .box:focus-within {
    border-color: var(--vscode-focusBorder);
  }
  textarea {
    flex: 1;
    min-width: 0;
    resize: none;
    field-sizing: content;
    min-height: 1.5em;
    max-height: 12em;
    padding: 3px 6px;
    border: 0;
    outline: 0;
    background: none;
    color: var(--vscode-input-foreground);
    font: inherit;
    line-height: 1.5;
  }
  textarea:focus-visible {
    outline: 0;
  }
  textarea::placeholder {
    color: var(--vscode-input-placeholderForeground);
  }
  .send {
    display: flex;
    padding: 5px;
    border-radius: 4px;
  }
  .send:not(:disabled) {
    background: var(--vscode-button-background);
    color: var(--vscode-button-foreground);
    --vscode-icon-foreground: var(--vscode-button-foreground);
  }
  .send:hover:not(:disabled) {
    background: var(--vscode-button-hoverBackground);
  }
  .send:disabled {
    opacity: 0.5;
    cursor: default;
  }
  .welcome {
    padding: 28px 20px;
    display: flex;
    flex-direction: column;
    gap: 14px;
  }
  .welcome h2 {
    font-size: 1.25em;
    font-weight: 600;
  }
  .welcome ul {
    list-style: none;
    padding: 0;
    margin-inline: -6px;
  }
  .welcome h3 {
    font-size: 0.85em;
    font-weight: 600;
    text-transform: uppercase;
    letter-spacing: 0.04em;
    color: var(--vscode-descriptionForeground);
  }
  .anchor {
    width: 44px;
    height: 44px;
    color: var(--vscode-textLink-foreground);
  }
`;
