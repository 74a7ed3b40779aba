import { describe, expect, test } from 'vitest';
import { beginsImport, importStatements } from '../../src/assistant/import-lines';

const told = (text: string): string[] =>
  importStatements(text.split('\n')).map(
    ({ startLine, endLine, text: said, count }) => `${startLine}-${endLine} ×${count} ${said}`,
  );

describe('importStatements', () => {
  test.each([
    [
      'CommonJS',
      "const fs = require('fs')\nconst {\n  a, // one\n  b: { c }\n} = require('./x')\nconst debug = require('debug')('app')\nrequire('./side')",
      [
        "1-1 ×1 const fs = require('fs')",
        "2-5 ×1 const { a, // one b: { c } } = require('./x')",
        "6-6 ×1 const debug = require('debug')('app')",
        "7-7 ×1 require('./side')",
      ],
    ],
    [
      'a chain of requires',
      "var a = require('a'),\n    b = require('b')\n  , c = require('c');",
      ["1-1 ×1 var a = require('a'),", "2-2 ×1 b = require('b')", "3-3 ×1 , c = require('c');"],
    ],
    [
      'modules',
      "import fs, {\n  join,\n} from 'path';\nimport './side';\nexport { x };",
      ["1-3 ×1 import fs, { join, } from 'path';", "4-4 ×1 import './side';"],
    ],
    [
      'Python',
      'from os import (\n    path,\n)\nfrom x import a, \\\n    b\nimport re',
      ['1-3 ×1 from os import ( path, )', '4-5 ×1 from x import a, \\ b', '6-6 ×1 import re'],
    ],
    [
      'Go',
      'import (\n\t"context"\n\n\tlog "example.org/log"\n)\nimport "fmt"',
      ['1-5 ×2 "context"', '6-6 ×1 import "fmt"'],
    ],
    [
      'Rust',
      'pub use std::{\n    fs,\n    io,\n};\nuse crate::a;',
      ['1-4 ×1 pub use std::{ fs, io, };', '5-5 ×1 use crate::a;'],
    ],
    [
      'C#, C and Ruby',
      "using System;\n#include <stdio.h>\nrequire_relative 'a'",
      ['1-1 ×1 using System;', '2-2 ×1 #include <stdio.h>', "3-3 ×1 require_relative 'a'"],
    ],
  ])('%s', (_, text, expected) => {
    expect(told(text)).toEqual(expected);
  });

  test('similar lines are not imports', () => {
    expect(
      told(
        "const { a } = options\nconst {\n  b\n} = options\nusing (var file = Open()) {\n  Read(file);\n}\nimport('./late').then(run)\nuser = required()",
      ),
    ).toEqual([]);
  });

  test('a statement with unclosed brackets ends on its first line', () => {
    expect(told('import {\n  a\n'.repeat(3))).toEqual(['1-1 ×1 import {', '3-3 ×1 import {', '5-5 ×1 import {']);
  });
});

test('beginsImport looks at one line', () => {
  expect(["  const x = require('./x')", 'from a import b', '#include "a.h"'].every(beginsImport)).toBe(true);
  expect(['important()', 'const x = requireAll(y)', 'return import_module(x)'].some(beginsImport)).toBe(false);
});
