import type { LanguageEntry } from './entry';

/** Assemblers and descriptions of circuits. */
export const HARDWARE: readonly LanguageEntry[] = [
  {
    id: 'asm',
    extensions: 's asm nasm',
    comments: { line: /^\s*(?:[;#@]|\/\/)/, blocks: [['/*', '*/']] },
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^([A-Za-z_$?@][\w$?@.]*):/ },
      { kind: 'function', test: /^\s*([A-Za-z_$?@][\w$?@.]*)\s+proc\b/i },
      { kind: 'macro', test: /^\s*\.macro\s+([A-Za-z_][\w$.]*)/i },
      { kind: 'macro', test: /^\s*%macro\s+([A-Za-z_][\w$.]*)/i },
      { kind: 'constant', test: /^\s*\.(?:equ|set)\s+([A-Za-z_][\w$.]*)/i },
      { kind: 'constant', test: /^([A-Za-z_][\w$.]*)\s+equ\b/i },
    ],
  },
  {
    id: 'vhdl',
    extensions: 'vhd vhdl',
    comments: { line: /^\s*--/, blocks: [['/*', '*/']] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'class', test: /^\s*(?:entity|component|configuration)\s+([A-Za-z]\w*)/i },
      { kind: 'module', test: /^\s*(?:architecture|package(?:\s+body)?)\s+([A-Za-z]\w*)/i },
      { kind: 'function', test: /^\s*(?:pure\s+|impure\s+)?(?:function|procedure)\s+([A-Za-z]\w*)/i },
      { kind: 'function', test: /^\s*([A-Za-z]\w*)\s*:\s*process\b/i },
      { kind: 'type', test: /^\s*(?:sub)?type\s+([A-Za-z]\w*)/i },
    ],
    endsWith: /^\s*end\b/i,
    imports: [/^\s*use\s+([\w.]+)/gim],
  },
  {
    id: 'verilog',
    extensions: 'v vh sv svh',
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'class', test: /^\s*(?:module|macromodule|program|virtual\s+class|class)\s+([A-Za-z_][\w$]*)/ },
      { kind: 'interface', test: /^\s*interface\s+(?!class\b)([A-Za-z_][\w$]*)/ },
      { kind: 'module', test: /^\s*package\s+([A-Za-z_][\w$]*)/ },
      {
        kind: 'function',
        test: /^\s*(?:(?:virtual|static|local|protected|extern|pure|import|export|"DPI(?:-C)?")\s+)*(?:function|task)\s+(?:automatic\s+)?(?:[^;(=]*[\s\]])?(?:\w+::)?([A-Za-z_][\w$]*)\s*[;(]/,
      },
      { kind: 'macro', test: /^\s*`define\s+([A-Za-z_]\w*)/ },
      { kind: 'constant', test: /^\s*(?:localparam|parameter)\s+(?:\w+\s+|\[[^\]]*\]\s*)*([A-Za-z_]\w*)\s*=/ },
    ],
    endsWith: /^\s*end(?:module|program|class|interface|package|function|task)\b/,
    imports: [/^\s*`include\s+"([^"\n]+)"/gm],
  },
];
