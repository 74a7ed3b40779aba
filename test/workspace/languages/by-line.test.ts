/** Definitions of languages without a grammar: names, extents and documentation, in each language's own forms. */
import { describe, expect, test } from 'vitest';
import { definitions, lines } from './definitions';

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
