/** Allowed files of a VSIX: patterns of paths in the staged folder. Any other file fails the packaging. */
const ALLOWED = [
  /^(package\.json|package\.nls(\.[a-z-]+)?\.json|README\.md|CHANGELOG\.md|LICENSE|THIRD-PARTY-NOTICES\.txt)$/,
  /^l10n\/bundle\.l10n\.[a-z-]+\.json$/,
  /^media\/icon\.(png|svg)$/,
  /^media\/walkthrough\/[a-z-]+\.svg$/,
  /^models\/[\w.-]+\/[\w.-]+$/,
  /^dist\/(?!cli\.js$)[a-z-]+\.js$/,
  /^dist\/webview\/[a-z-]+\.(js|css)$/,
  /^dist\/tree-sitter\/tree-sitter(-[a-z-]+)?\.wasm$/,
  /^dist\/models\/all-minilm-l6-v2\/(encoder\.onnx|config\.json|tokenizer(_config)?\.json|LICENSE|NOTICE|stamp)$/,
  /^dist\/models\/smollm2-135m-instruct\/([\w.-]+\.gguf|LICENSE|NOTICE|stamp)$/,
  /^dist\/codicons\/codicon\.(css|ttf)$/,
  /^dist\/node_modules\/onnxruntime-(node|web|common)\/.+(?<!\.map|\.d\.ts)$/,
];
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'THIRD-PARTY-NOTICES.txt', 'dist/extension.js'];

/**
 * @param {string[]} files Paths in the staged folder, with forward slashes.
 * @throws Error that names every unexpected or missing file
 */
export function checkContents(files) {
  const extra = files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)));
  const missing = REQUIRED.filter((file) => !files.includes(file));
  const faults = [
    ...(extra.length > 0 ? [`holds what nothing in it uses: ${extra.join(', ')}`] : []),
    ...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []),
  ];
  if (faults.length > 0) throw new Error(`The package ${faults.join(', and ')} (scripts/lib/package-contents.mjs).`);
}
