import { generator } from '../../../src/engine/generate/sampling';

/** Texts of many kinds for comparing tokenizers: code, prose in many scripts, numbers, spaces, marks, damaged text. */

const WORDS =
  `the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but
   not what all were we when your can said there use an each which she do how their if will up other about out many
   don't we've I'm you'll it's he'd they're IT'S DON'T Ünïcode naïve café señor Straße façade résumé`.split(/\s+/);
const CODE = [
  'function add(a, b) {\n  return a + b;\n}\n',
  'if (x !== undefined && y >= 0x1F) { z = x?.y ?? 12_000; }',
  'def f(x: int) -> list[str]:\n\treturn [str(i) for i in range(x)]\n',
  '#include <stdio.h>\r\nint main(void) {\r\n    printf("%d\\n", 42);\r\n}\r\n',
  'SELECT * FROM users WHERE name LIKE "%o\'Brien%" AND id IN (1,2,3);',
  '<div class="a b" id=\'c\'>&nbsp;text</div>',
  '{"key": [1, 2.5e-3, null], "k2": {"a": true}}',
  '// TODO(me): fix\n/* block */ #define X(y) (y)##_z',
  'https://example.com/path?q=1&r=%20#frag',
  '$ git commit -m "fix: a b" --amend && echo $?',
];
const SCRIPTS = [
  'Привет, как дела? Сегодня хорошая погода.',
  '你好,世界!今天天气很好。',
  'こんにちは世界。カタカナとひらがな。',
  '안녕하세요 세계',
  'مرحبا بالعالم ١٢٣',
  'नमस्ते दुनिया १२३',
  'Γειά σου Κόσμε',
  'שלום עולם',
  'สวัสดีชาวโลก',
  'Xin chào thế giới',
  '🙂🎉👩‍👩‍👧‍👦🇩🇪👍🏽',
  '∑∫√∞≈≠ ½ ² ³ Ⅷ ①',
];
const SPACES = [
  ' ',
  '  ',
  '   ',
  '\n',
  '\n\n',
  '\t',
  '\r\n',
  ' \n ',
  '\u00a0',
  '\u3000',
  '\u2003',
  '\u0085',
  '        ',
];
const MARKS = [
  '...',
  '?!',
  '—',
  '«»',
  '“”',
  "'",
  '"',
  '`',
  '_',
  '__',
  '--',
  '==',
  '=>',
  '->',
  '::',
  '[](){}',
  '@#$%^&*',
  '\\',
  '|',
  '~',
  '<|',
  '|>',
  '</s>',
];
const CONTROL = ['<|im_start|>', '<|im_end|>', '<|endoftext|>', '<|im_start|>user\n'];

/** `count` texts from a seed. Accented letters are composed (NFC): llama.cpp does not normalize, Hugging Face may. */
export function variedTexts(count: number, seed: number): string[] {
  const random = generator(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const parts: (() => string)[] = [
    () => pick(WORDS),
    () => ` ${pick(WORDS)}`,
    () => ` ${pick(WORDS)}`,
    () => pick(CODE),
    () => pick(CODE).slice(below(20)),
    () => pick(SCRIPTS),
    () => [...pick(SCRIPTS)].slice(0, 1 + below(6)).join(''),
    () => pick(SPACES),
    () => pick(SPACES).repeat(1 + below(4)),
    () => pick(MARKS),
    () => String(below(10 ** (1 + below(9)))),
    () => (random() * 1000).toFixed(below(4)),
    () => pick(WORDS).toUpperCase(),
    () => `${pick(WORDS)}${pick(WORDS)}`.replace(/^./, (c) => c.toUpperCase()),
    () => String.fromCodePoint(32 + below(95)).repeat(1 + below(5)),
    () => String.fromCodePoint(0xa1 + below(0x2ff)),
    () => (below(40) === 0 ? pick(CONTROL) : pick(MARKS)),
  ];
  return Array.from({ length: count }, () => {
    let text = '';
    for (let n = 1 + below(24); n > 0; n--) text += pick(parts)();
    return text.normalize('NFC');
  });
}
