/** Definitions of languages without a grammar: names, extents and documentation, in each language's own forms. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languageOf } from '../../../src/workspace/languages';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

async function definitions(path: string, text: string): Promise<string[]> {
  const language = languageOf(path, text);
  const { symbols } = await segmenter.segment({ path, language, text });
  return symbols.map(
    ({ kind, container, name, startLine, endLine, doc }) =>
      `${kind} ${[...container, name].join('.')} ${startLine}-${endLine}${doc === undefined ? '' : ` “${doc}”`}`,
  );
}

const lines = (...text: string[]): string => `${text.join('\n')}\n`;

describe('names in any script', () => {
  test.each([
    [
      'Meter.swift',
      lines(
        '/// A bar.',
        'struct Meter {',
        '  private(set) var share: Double',
        '  init(share: Double) {',
        '    let rounded = share',
        '    self.share = rounded',
        '  }',
        '  var caption: String {',
        '    "x"',
        '  }',
        '  static func == (a: Meter, b: Meter) -> Bool {',
        '    a.share == b.share',
        '  }',
        '  subscript(index: Int) -> Double { share }',
        '}',
        '/// Länge in Metern.',
        'func längeInMetern(_ x: Double) -> Double {',
        '  x',
        '}',
        'func `repeat`() {}',
      ),
      [
        'struct Meter 2-15 “A bar.”',
        'field Meter.share 3-3',
        'method Meter.init 4-7',
        'field Meter.caption 8-10',
        'method Meter.== 11-13',
        'method Meter.subscript 14-14',
        'function längeInMetern 17-19 “Länge in Metern.”',
        'function repeat 20-20',
      ],
    ],
    [
      'Units.kt',
      lines(
        'fun größeBerechnen(r: Double): Double = r',
        'class LedgerTest {',
        '    fun `sums are exact for thirds`() {',
        '        check(true)',
        '    }',
        '    companion object {',
        '        const val LIMIT = 10',
        '    }',
        '}',
      ),
      [
        'function größeBerechnen 1-1',
        'class LedgerTest 2-9',
        'method LedgerTest.sums are exact for thirds 3-5',
        'constant LedgerTest.LIMIT 7-7',
      ],
    ],
    [
      'mengen.sql',
      lines(
        'create table "Größe der Mengen" (id int);',
        'CREATE FUNCTION lager.[Menge je Tag]() AS x;',
        'create view größen as select 1;',
      ),
      ['struct Größe der Mengen 1-1', 'function lager.Menge je Tag 2-2', 'struct größen 3-3'],
    ],
    ['счёт.lua', lines('function считать(a)', '  return a', 'end'), ['function считать 1-3']],
    [
      'größe.rb.dart',
      lines('class Größe {', '  int länge() {', '    return 1;', '  }', '}'),
      ['class Größe 1-5', 'method Größe.länge 2-4'],
    ],
    ['計算.zig', lines('pub fn 計算(a: i32) i32 {', '    return a;', '}'), ['function 計算 1-3']],
  ])('%s', async (path, text, expected) => {
    expect(await definitions(path, text)).toEqual(expected);
  });
});

describe('clauses', () => {
  test('of Haskell follow their signature, or stand alone', async () => {
    const text = lines(
      '-- | What can be drawn.',
      'data Shape',
      '  = Circle Double',
      '  | Square Double',
      '',
      '-- | Reads one line.',
      'parseLine :: String -> Shape',
      'parseLine line = case words line of',
      '  ["circle", r] -> Circle (read r)',
      '  _             -> Square 1',
      '',
      'area (Circle r) = r * r',
      '',
      'area (Square a)',
      '  | a > 0 = a',
      "area' = area",
      '',
      'class Scalable a where',
      '  -- | Multiplies every length.',
      '  scale :: Double -> a -> a',
      '',
      'instance Scalable Shape where',
      '  scale k (Circle r) = Circle (k * r)',
    );
    expect(await definitions('Parse.hs', text)).toEqual([
      'type Shape 2-4 “What can be drawn.”',
      'function parseLine 7-10 “Reads one line.”',
      'function area 12-15',
      "function area' 16-16",
      'interface Scalable 18-20',
      'method Scalable.scale 20-20 “Multiplies every length.”',
      'class Scalable Shape 22-23',
    ]);
  });

  test.each([
    [
      'queue.erl',
      lines(
        '-module(queue).',
        '%% Length of a list.',
        'len([]) -> 0;',
        'len([_ | T]) ->',
        '    1 + len(T).',
        'lens(X) -> X.',
      ),
      ['module queue 1-1', 'function len 3-5 “Length of a list.”', 'function lens 6-6'],
    ],
    [
      'Main.elm',
      lines(
        'module Main exposing (..)',
        '{-| Adds one. -}',
        'next : Int -> Int',
        'next n =',
        '    n + 1',
        'type alias Model =',
        '    { n : Int }',
      ),
      ['function next 3-5 “Adds one.”', 'type Model 6-7'],
    ],
  ])('of %s', async (path, text, expected) => {
    expect(await definitions(path, text)).toEqual(expected);
  });
});

describe('documentation in the language’s own form', () => {
  test('Elixir’s attributes', async () => {
    const text = lines(
      'defmodule Shop.Ledger do',
      '  @moduledoc """',
      '  Books of the shop.',
      '  """',
      '',
      '  @doc """',
      '  Adds the amounts of one day.',
      '  """',
      '  @spec total(list) :: integer',
      '  def total(entries) when is_list(entries) do',
      '    query = """',
      '    a',
      '    """',
      '  end',
      '  def bare(x), do: x',
      '  @doc "Takes one away."',
      '  defp less(x), do: x - 1',
      '  defguard is_positive(x) when x > 0',
      'end',
    );
    expect(await definitions('ledger.ex', text)).toEqual([
      'module Shop.Ledger 1-19 “Books of the shop.”',
      'function Shop.Ledger.total 10-14 “Adds the amounts of one day.”',
      'function Shop.Ledger.bare 15-15',
      'function Shop.Ledger.less 17-17 “Takes one away.”',
      'function Shop.Ledger.is_positive 18-18',
    ]);
  });

  test('Terraform’s comments above a block', async () => {
    const text = lines('# Days an export is kept.', 'variable "retention_days" {', '  default = 30', '}');
    expect(await definitions('main.tf', text)).toEqual(['variable retention_days 2-4 “Days an export is kept.”']);
  });
});

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
      ['function my-open 2-4 “Opens it.”', 'variable my-file 5-5', 'macro with-it 6-6'],
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
