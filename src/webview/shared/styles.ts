import { css } from 'lit';

/**
 * Styles of all panels. Colours come only from the editor's theme. High-contrast themes add borders.
 */
export const shared = css`
  :host {
    color: var(--vscode-foreground);
    font-family: var(--vscode-font-family);
    font-size: var(--vscode-font-size, 13px);
    line-height: 1.5;
  }
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  h4,
  p,
  ul,
  ol {
    margin: 0;
  }
  .dim {
    color: var(--vscode-descriptionForeground);
  }
  .mono {
    font-family: var(--vscode-editor-font-family, monospace);
    font-size: 0.92em;
  }
  .ellipsis {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    min-width: 0;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  button {
    font: inherit;
    color: inherit;
    background: none;
    border: 1px solid transparent;
    border-radius: 4px;
    padding: 2px 6px;
    cursor: pointer;
    text-align: start;
  }
  button.quiet:hover {
    background: var(--vscode-toolbar-hoverBackground);
  }
  button.link {
    color: var(--vscode-textLink-foreground);
    padding: 0;
    border-radius: 2px;
  }
  button.link:hover {
    color: var(--vscode-textLink-activeForeground);
    text-decoration: underline;
  }
  button.row {
    display: flex;
    width: 100%;
    align-items: baseline;
    gap: 8px;
  }
  button.row:hover {
    background: var(--vscode-list-hoverBackground);
    color: var(--vscode-list-hoverForeground, inherit);
  }
  :focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 1px;
  }
  .tag {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 0 7px;
    border-radius: 9px;
    border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent));
    background: color-mix(in srgb, var(--vscode-foreground) 7%, transparent);
    font-size: 0.88em;
    line-height: 1.6;
    max-width: 100%;
  }
  :host-context(.vscode-high-contrast) .tag,
  :host-context(.vscode-high-contrast-light) .tag {
    border-color: var(--vscode-contrastBorder);
    background: none;
  }
`;

/** Rendered Markdown. */
export const prose = css`
  .prose {
    overflow-wrap: anywhere;
  }
  .prose .kept {
    white-space: nowrap;
  }
  .prose > :first-child {
    margin-top: 0;
  }
  .prose > :last-child {
    margin-bottom: 0;
  }
  .prose p,
  .prose ul,
  .prose ol,
  .prose pre,
  .prose blockquote,
  .prose table {
    margin: 0 0 0.75em;
  }
  .prose h1,
  .prose h2,
  .prose h3,
  .prose h4 {
    font-size: 1.05em;
    font-weight: 600;
    margin: 1.1em 0 0.4em;
  }
  .prose ul,
  .prose ol {
    padding-inline-start: 1.4em;
  }
  .prose li + li {
    margin-top: 0.25em;
  }
  .prose li > p {
    margin-bottom: 0.35em;
  }
  .prose code {
    font-family: var(--vscode-editor-font-family, monospace);
    font-size: 0.92em;
    color: var(--vscode-textPreformat-foreground);
    background: var(--vscode-textPreformat-background);
    border-radius: 3px;
    padding: 0.5px 3px;
    overflow-wrap: anywhere;
  }
  .prose pre {
    background: var(--vscode-textCodeBlock-background);
    border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent));
    border-radius: 4px;
    padding: 8px 10px;
    overflow-x: auto;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    line-height: 1.45;
  }
  .prose pre code {
    background: none;
    color: var(--vscode-editor-foreground);
    padding: 0;
  }
  .prose blockquote {
    border-inline-start: 3px solid var(--vscode-textBlockQuote-border);
    background: var(--vscode-textBlockQuote-background);
    padding: 4px 10px;
  }
  .prose table {
    border-collapse: collapse;
  }
  .prose th,
  .prose td {
    border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, currentColor));
    padding: 2px 8px;
    text-align: start;
  }
  .prose .address {
    color: var(--vscode-descriptionForeground);
    overflow-wrap: anywhere;
  }
  .citation {
    display: inline-block;
    vertical-align: 0.12em;
    min-width: 1.45em;
    margin-inline: 1px;
    padding: 0 4px;
    border-radius: 8px;
    border: 1px solid var(--vscode-contrastBorder, transparent);
    background: var(--vscode-badge-background);
    color: var(--vscode-badge-foreground);
    font: 600 0.78em/1.45 var(--vscode-font-family);
    text-align: center;
  }
  .citation:hover {
    background: var(--vscode-button-background);
    color: var(--vscode-button-foreground);
  }
`;
