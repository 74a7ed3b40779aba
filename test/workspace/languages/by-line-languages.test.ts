/** Definitions of each language without a grammar. */
import { describe, expect, test } from 'vitest';
import { languageOf } from '../../../src/workspace/languages';
import { segmenter, definitions, lines } from './definitions';

describe('languages without a grammar', () => {
  test.each([
    [
      'area.f90',
      lines(
        'module shapes',
        'contains',
        '  !> Area of a circle.',
        '  pure function circle_area(r) result(a)',
        '    real :: a',
        '    a = r',
        '  END FUNCTION circle_area',
        '',
        '  subroutine print_area(r)',
        '    print *, r',
        '  end subroutine print_area',
        'end module shapes',
      ),
      ['module shapes 1-12', 'function shapes.circle_area 4-7 “Area of a circle.”', 'function shapes.print_area 9-11'],
    ],
    [
      'rank.ml',
      lines(
        '(** Position of a team. *)',
        'let rank_of team table =',
        '  List.length table',
        '',
        'module Table = struct',
        '  type t = int list',
        'end',
      ),
      ['function rank_of 2-3 “Position of a team.”', 'module Table 5-7', 'type Table.t 6-6'],
    ],
    [
      'boot.s',
      lines('    .globl _start', '; entry of the loader', '_start:', '    mov $60, %rax', 'clear_bss:', '    ret'),
      ['function _start 3-4 “entry of the loader”', 'function clear_bss 5-6'],
    ],
    [
      'macros.jinja',
      lines(
        '{# A field with its label. #}',
        "{% macro field(name, value='') %}",
        '<label>{{ name }}</label>',
        '{% endmacro %}',
        'x',
      ),
      ['function field 2-4 “A field with its label.”'],
    ],
    [
      'solve.m',
      lines(
        '% Solves the system.',
        'function x = tridiag(a, b)',
        '  x = b;',
        'end',
        'function [y, z] = other(a)',
        '% Below its head.',
        '  y = a;',
      ),
      ['function tridiag 2-4 “Solves the system.”', 'function other 5-7 “Below its head.”'],
    ],
    [
      'PAYROLL.cbl',
      lines(
        '       IDENTIFICATION DIVISION.',
        '       PROGRAM-ID. PAYROLL.',
        '       PROCEDURE DIVISION.',
        '       MAIN-PARAGRAPH.',
        '           PERFORM COMPUTE-TAX',
        '           STOP RUN.',
        '      * Tax is a tenth.',
        '       COMPUTE-TAX.',
        '           IF GROSS-PAY > THRESHOLD',
        '           END-IF.',
      ),
      ['module PAYROLL 2-2', 'function MAIN-PARAGRAPH 4-6', 'function COMPUTE-TAX 8-10 “Tax is a tenth.”'],
    ],
    [
      'Unit1.pas',
      lines(
        'unit Unit1;',
        'type',
        '  TShape = class',
        '    procedure Draw;',
        '  end;',
        '{ Draws it. }',
        'procedure TShape.Draw;',
        'begin',
        'end;',
      ),
      ['module Unit1 1-6', 'class Unit1.TShape 3-5', 'method Unit1.TShape.Draw 4-4', 'function Draw 7-9 “Draws it.”'],
    ],
    [
      'stack.adb',
      lines(
        'package body Stack is',
        '   -- Puts one on top.',
        '   procedure Push (X : Integer) is',
        '   begin',
        '      null;',
        '   end Push;',
        'end Stack;',
      ),
      ['module Stack 1-7', 'function Stack.Push 3-6 “Puts one on top.”'],
    ],
    [
      'Ledger.vb',
      lines(
        "' Books.",
        'Public Class Ledger',
        "    ' Adds.",
        '    Public Function Total(x As Integer) As Integer',
        '        Return x',
        '    End Function',
        'End Class',
      ),
      ['class Ledger 2-7 “Books.”', 'method Ledger.Total 4-6 “Adds.”'],
    ],
    [
      'adder.vhd',
      lines(
        '-- Adds two bits.',
        'entity adder is',
        '  port (a : in bit);',
        'end adder;',
        'architecture rtl of adder is',
        'begin',
        'end rtl;',
      ),
      ['class adder 2-4 “Adds two bits.”', 'module rtl 5-7'],
    ],
    [
      'adder.sv',
      lines(
        '// Adds.',
        'module adder #(parameter W = 8) (input [W-1:0] a);',
        '  function automatic [7:0] next(input [7:0] x);',
        '    next = x;',
        '  endfunction',
        'endmodule',
      ),
      ['class adder 2-6 “Adds.”', 'method adder.next 3-5'],
    ],
    [
      'shapes.nim',
      lines('type', '  Shape* = object', '    r: float', '# Its area.', 'proc area*(s: Shape): float =', '  s.r'),
      ['type Shape 2-3', 'function area 5-6 “Its area.”'],
    ],
    [
      'rules.bzl',
      lines('# Makes a library.', 'def my_library(name):', '    native.cc_library(', '        name = "x",', '    )'),
      ['function my_library 2-5 “Makes a library.”', 'rule my_library.x 4-4'],
    ],
    [
      'player.gd',
      lines('class_name Player', '# Moves.', 'func move(delta: float) -> void:', '\tvar a = 1', 'signal hurt'),
      ['class Player 1-1', 'function move 3-4 “Moves.”', 'type hurt 5-5'],
    ],
    [
      'init.el',
      lines(
        ';; Opens it.',
        '(defun my-open (file)',
        '  "Docs."',
        '  (find-file file))',
        '(defvar my-file nil)',
        '(defmacro with-it (x)',
        '  x)',
      ),
      ['function my-open 2-4 “Opens it.”', 'variable my-file 5-5', 'macro with-it 6-7'],
    ],
    [
      'plugin.vim',
      lines(
        '" Opens it.',
        'function! s:Open(file) abort',
        'if 1',
        '  edit',
        'endif',
        'endfunction',
        'command! -nargs=1 Open call s:Open(<f-args>)',
      ),
      ['function s:Open 2-6 “Opens it.”', 'macro Open 7-7'],
    ],
    [
      'make.bat',
      lines('@echo off', 'rem Builds it.', ':build', 'call x', 'goto :eof', ':clean', 'del x'),
      ['function build 3-5 “Builds it.”', 'function clean 6-7'],
    ],
    [
      'app.coffee',
      lines('# Keeps it.', 'class Store', '  # Adds.', '  add: (x) ->', '    x', 'double = (x) -> x * 2'),
      ['class Store 2-5 “Keeps it.”', 'method Store.add 4-5 “Adds.”', 'function double 6-6'],
    ],
    [
      'light.frag',
      lines('uniform vec3 sun;', '// Its brightness.', 'float light(vec3 n) {', '  return 1.0;', '}'),
      ['variable sun 1-1', 'function light 3-5 “Its brightness.”'],
    ],
  ])('%s', async (path, text, expected) => {
    expect(await definitions(path, text)).toEqual(expected);
  });

  test('an extension of two languages is decided by the text', () => {
    expect(languageOf('View.m', '#import "View.h"\n@implementation View\n')).toBe('objective-c');
    expect(languageOf('solve.m', '% Solves.\nfunction x = solve(a)\n')).toBe('matlab');
    expect(languageOf('plot.m', 'clear all\nx = 1;\n')).toBe('matlab');
  });
});

test('the frontmatter of Astro is its script', async () => {
  const text = lines(
    '---',
    "import { a } from 'b';",
    '/** Minutes for a text. */',
    'function readingMinutes(words: number): number {',
    '  return 1;',
    '}',
    '---',
    '<p>{readingMinutes(2)}</p>',
    '<script>',
    'function late() {}',
    '</script>',
  );
  expect(await definitions('Card.astro', text)).toEqual([
    'function readingMinutes 4-6 “Minutes for a text.”',
    'function late 10-10',
  ]);
  const { imports } = await segmenter.segment({ path: 'Card.astro', language: 'astro', text });
  expect(imports).toEqual(['b']);
});
