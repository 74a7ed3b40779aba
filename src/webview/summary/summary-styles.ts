import { css } from 'lit';

/** Styles of the summary panel. */
export const summaryStyles = css`
  :host {
    display: block;
    max-width: 60em;
    margin: 0 auto;
    padding: 20px 24px 40px;
    font-size: var(--vscode-font-size, 13px);
  }
  header {
    margin-bottom: 16px;
  }
  h1 {
    font-size: 1.45em;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  .overview {
    font-size: 1.08em;
    margin: 10px 0 0;
    max-width: 48em;
    white-space: pre-line;
  }
  .meta {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    margin-top: 10px;
  }
  .filter {
    width: 100%;
    max-width: 28em;
    margin: 4px 0 10px;
    padding: 4px 8px;
    font: inherit;
    color: var(--vscode-input-foreground);
    background: var(--vscode-input-background);
    border: 1px solid var(--vscode-input-border, var(--vscode-widget-border, var(--vscode-contrastBorder, transparent)));
    border-radius: 4px;
  }
  .filter::placeholder {
    color: var(--vscode-input-placeholderForeground);
  }
  .tree {
    list-style: none;
    padding: 0;
    margin: 0 -8px;
  }
  .part {
    display: grid;
    grid-template-columns: 20px minmax(0, 1fr) auto;
    column-gap: 4px;
    padding: 5px 8px;
    border-radius: 4px;
    cursor: pointer;
    border: 1px solid transparent;
    outline-offset: -1px;
  }
  .part:hover {
    background: var(--vscode-list-hoverBackground);
    color: var(--vscode-list-hoverForeground, inherit);
  }
  .part:focus {
    outline: 1px solid var(--vscode-list-focusOutline, var(--vscode-focusBorder));
    background: var(--vscode-list-inactiveSelectionBackground);
  }
  .depth-1 {
    margin-inline-start: 22px;
  }
  .depth-2 {
    margin-inline-start: 44px;
  }
  .depth-3 {
    margin-inline-start: 66px;
  }
  .depth-4 {
    margin-inline-start: 88px;
  }
  .twisty {
    display: flex;
    align-self: start;
    padding-top: 2px;
  }
  .twisty .open {
    transform: rotate(90deg);
  }
  .title {
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  .kind {
    font-weight: 400;
  }
  .lines {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .line {
    grid-column: 2 / 4;
  }
  .working {
    display: flex;
    flex-direction: column;
    gap: 10px;
    max-width: 36em;
  }
  vscode-progress-bar {
    width: 100%;
  }
  .failure {
    border: 1px solid var(--vscode-inputValidation-errorBorder);
    background: var(--vscode-inputValidation-errorBackground);
    border-radius: 4px;
    padding: 10px 14px;
  }
  .failure vscode-button {
    margin-top: 8px;
  }
`;
