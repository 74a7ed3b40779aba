import type { Language } from '../types';

const BY_EXTENSION: Readonly<Record<string, Language>> = Object.fromEntries(
  Object.entries({
    typescript: 'ts mts cts',
    typescriptreact: 'tsx',
    javascript: 'js mjs cjs es6',
    javascriptreact: 'jsx',
    python: 'py pyi pyw pyx pxd wsgi gyp',
    go: 'go',
    rust: 'rs',
    java: 'java',
    c: 'c h',
    cpp: 'cc cpp cxx c++ hh hpp hxx h++ ipp inl tpp ixx cppm ino',
    'cuda-cpp': 'cu cuh',
    csharp: 'cs csx',
    ruby: 'rb rake gemspec rbi ru podspec erb',
    php: 'php phtml php5 inc',
    shellscript: 'sh bash zsh ksh bats ebuild',
    css: 'css',
    scss: 'scss',
    sass: 'sass',
    less: 'less',
    powershell: 'ps1 psm1 psd1',
    ini: 'ini cfg conf',
    properties: 'properties editorconfig',
    kotlin: 'kt kts',
    swift: 'swift',
    scala: 'scala sc',
    groovy: 'groovy gradle',
    dart: 'dart',
    lua: 'lua',
    perl: 'pl pm t',
    r: 'r rmd',
    julia: 'jl',
    elixir: 'ex exs',
    erlang: 'erl hrl',
    haskell: 'hs lhs',
    clojure: 'clj cljs cljc edn',
    fsharp: 'fs fsi fsx',
    vb: 'vb',
    zig: 'zig',
    nim: 'nim',
    'objective-c': 'm mm',
    sql: 'sql',
    proto3: 'proto',
    graphql: 'graphql gql',
    terraform: 'tf tfvars hcl',
    nix: 'nix',
    cmake: 'cmake',
    makefile: 'mk mak',
    dockerfile: 'dockerfile',
    json: 'json webmanifest ipynb',
    jsonc: 'jsonc code-workspace',
    jsonl: 'jsonl ndjson',
    yaml: 'yaml yml',
    toml: 'toml',
    xml: 'xml xsd xsl xslt plist csproj fsproj vbproj props targets resx xaml storyboard',
    html: 'html htm xhtml',
    vue: 'vue',
    svelte: 'svelte',
    astro: 'astro',
    handlebars: 'hbs handlebars',
    jinja: 'jinja j2 jinja2',
    markdown: 'md markdown mdown',
    mdx: 'mdx',
    restructuredtext: 'rst rest',
    asciidoc: 'adoc asciidoc',
    latex: 'tex sty cls bib',
    plaintext: 'txt text log',
    csv: 'csv tsv',
    diff: 'diff patch',
    bat: 'bat cmd',
    vim: 'vim',
    lisp: 'lisp el scm ss rkt',
    ocaml: 'ml mli',
    pascal: 'pas dpr',
    fortran: 'f f90 f95 f03 f77',
    ada: 'adb ads',
    vhdl: 'vhd vhdl',
    verilog: 'v vh sv svh',
    asm: 's asm',
    glsl: 'glsl vert frag wgsl hlsl metal',
    solidity: 'sol',
    starlark: 'bzl bazel star',
    coffeescript: 'coffee',
    gdscript: 'gd',
  }).flatMap(([language, extensions]) => extensions.split(' ').map((extension) => [extension, language])),
);

const BY_NAME: Readonly<Record<string, Language>> = {
  makefile: 'makefile',
  gnumakefile: 'makefile',
  dockerfile: 'dockerfile',
  containerfile: 'dockerfile',
  'cmakelists.txt': 'cmake',
  gemfile: 'ruby',
  rakefile: 'ruby',
  vagrantfile: 'ruby',
  podfile: 'ruby',
  brewfile: 'ruby',
  jenkinsfile: 'groovy',
  build: 'starlark',
  workspace: 'starlark',
  sconstruct: 'python',
  snakefile: 'python',
  pipfile: 'toml',
  'cargo.lock': 'toml',
  'poetry.lock': 'toml',
  'uv.lock': 'toml',
  '.bashrc': 'shellscript',
  '.bash_profile': 'shellscript',
  '.profile': 'shellscript',
  '.zshrc': 'shellscript',
  '.envrc': 'shellscript',
  '.gitignore': 'ignore',
  '.dockerignore': 'ignore',
  '.npmignore': 'ignore',
  '.anchorageignore': 'ignore',
  '.gitconfig': 'ini',
  '.gitmodules': 'ini',
  '.npmrc': 'ini',
  '.babelrc': 'jsonc',
  '.eslintrc': 'jsonc',
  '.prettierrc': 'jsonc',
  'tsconfig.json': 'jsonc',
  'jsconfig.json': 'jsonc',
  '.clang-format': 'yaml',
  '.clang-tidy': 'yaml',
  'docker-compose.yml': 'dockercompose',
  'docker-compose.yaml': 'dockercompose',
  'compose.yaml': 'dockercompose',
  readme: 'plaintext',
  license: 'plaintext',
  copying: 'plaintext',
  changelog: 'plaintext',
  'requirements.txt': 'properties',
  codeowners: 'ignore',
};

const BY_INTERPRETER: readonly [RegExp, Language][] = [
  [/^(?:ba|z|k|da|a)?sh$/, 'shellscript'],
  [/^python[\d.]*$|^pypy/, 'python'],
  [/^(?:node|nodejs|bun)$/, 'javascript'],
  [/^(?:deno|ts-node|tsx)$/, 'typescript'],
  [/^ruby/, 'ruby'],
  [/^perl/, 'perl'],
  [/^php/, 'php'],
  [/^lua/, 'lua'],
  [/^Rscript$/, 'r'],
  [/^pwsh$/, 'powershell'],
  [/^(?:groovy|elixir|julia|swift)$/, ''],
];

/**
 * VS Code's language id from a file's name, else from its first line.
 * @param head the text's beginning; a first line is enough
 */
export function languageOf(path: string, head = ''): Language {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase();
  const byName = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (byName) return byName;
  if (/^dockerfile\.|\.dockerfile$/.test(name)) return 'dockerfile';
  const dot = name.lastIndexOf('.');
  const extension = dot >= 0 ? name.slice(dot + 1) : '';
  const byExtension = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  if (byExtension === 'c' && extension === 'h') return headerLanguage(head);
  if (byExtension) return byExtension;
  return interpreterLanguage(head) ?? 'plaintext';
}

/** A `.h` is C++ when its beginning says something only C++ says. */
function headerLanguage(head: string): Language {
  return /^\s*(?:class\s+\w+|namespace\b|template\s*<|using\s+(?:namespace\s|\w+\s*=)|public:|private:|protected:)|\bstd::|#include\s*<(?:string|vector|memory|map|iostream|functional|utility|cstd\w+|type_traits)>/m.test(
    head,
  )
    ? 'cpp'
    : /^\s*@(?:interface|protocol|class)\b/m.test(head)
      ? 'objective-c'
      : 'c';
}

function interpreterLanguage(head: string): Language | undefined {
  const shebang = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/.exec(head);
  if (shebang) {
    const program = (/\/env$/.test(shebang[1] ?? '') ? shebang[2] : shebang[1]) ?? '';
    const name = program.slice(program.lastIndexOf('/') + 1);
    for (const [test, language] of BY_INTERPRETER) if (test.test(name)) return language || name;
  }
  return head.startsWith('<?xml') ? 'xml' : head.startsWith('<?php') ? 'php' : undefined;
}
