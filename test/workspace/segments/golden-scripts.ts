import { type Golden, trim } from './golden-types';

/** Scripting languages, styles, and languages read by patterns instead of a grammar. */
export const SCRIPTS: readonly Golden[] = [
  {
    language: 'ruby',
    text: trim(`
require 'json'
module Shop
  # A cart.
  class Cart < Base
    LIMIT = 10
    def add(item, count: 1)
      @items << item
    end

    def self.empty? = true
  end
end
`),
    symbols: [
      'module Shop 2-12 exported',
      'class Shop.Cart 4-11 doc 3 "A cart." exported',
      'constant Shop.Cart.LIMIT 5-5 exported',
      'method Shop.Cart.add 6-8 exported',
      'method Shop.Cart.empty? 10-10 exported',
    ],
    imports: ['json'],
  },
  {
    language: 'php',
    text: trim(`
<?php
namespace App;
use App\\Models\\User;

/**
 * Sends mail.
 */
class Mailer implements Sender
{
    private $host = 'x';
    public function send(string $to): bool
    {
        return true;
    }
}
function helper() { return 1; }
`),
    symbols: [
      'class Mailer 8-15 doc 5 "Sends mail." exported',
      'field Mailer.$host 10-10',
      'method Mailer.send 11-14 exported',
      'function helper 16-16 exported',
    ],
    imports: ['App\\Models\\User'],
  },
  {
    language: 'shellscript',
    text: trim(`
#!/bin/bash
source ./lib.sh
NAME=value
# Greets.
greet() {
  echo "hi $1"
}
function bye {
  echo bye
}
`),
    symbols: [
      'variable NAME 3-3 exported',
      'function greet 5-7 doc 4 "Greets." exported',
      'function bye 8-10 exported',
    ],
    imports: ['./lib.sh'],
  },
  {
    language: 'css',
    text: trim(`
@import "base.css";
.button:hover, a > b { color: red; }
@media print { .page { margin: 0; } }
@keyframes spin { to { top: 0; } }
`),
    symbols: ['rule .button:hover, a > b 2-2 exported', 'rule .page 3-3 exported', 'rule spin 4-4 exported'],
    imports: ['base.css'],
  },
  {
    language: 'kotlin',
    text: trim(`
import a.b.C

/** A repo. */
class Repo(private val db: Db) {
    val size = 1
    // Finds.
    suspend fun find(id: Int): Item? {
        return db.find(id)
    }
}
fun String.shout() = uppercase()
interface Port
`),
    symbols: [
      'class Repo 4-10 doc 3 "A repo." exported',
      'constant Repo.size 5-5 exported',
      'method Repo.find 7-9 doc 6 "Finds." exported',
      'function shout 11-11 exported',
      'interface Port 12-12 exported',
    ],
    imports: ['a.b.C'],
  },
  {
    language: 'swift',
    text: trim(`
import Foundation
/// A point.
public struct Point {
    func length() -> Double {
        return 0
    }
}
extension Point {
    static func zero() -> Point { Point() }
}
`),
    symbols: [
      'struct Point 3-7 doc 2 "A point." exported',
      'method Point.length 4-6 exported',
      'class Point 8-10 exported',
      'method Point.zero 9-9 exported',
    ],
    imports: ['Foundation'],
  },
  {
    language: 'sql',
    text: trim(`
-- Users.
CREATE TABLE IF NOT EXISTS users (
  id int
);
create or replace function total(a int) returns int as $$ select 1 $$;
`),
    symbols: ['struct users 2-4 doc 1 "Users." exported', 'function total 5-5 exported'],
    imports: [],
  },
  {
    language: 'yaml',
    text: 'name: x\non:\n  push:\n    branches: [a]\njobs:\n  build:\n    steps: []\n',
    symbols: ['key name 1-1 exported', 'key on 2-4 exported', 'key jobs 5-7 exported'],
    imports: [],
  },
  {
    language: 'toml',
    text: '[package]\nname = "x"\n\n[dependencies]\na = "1"\n',
    symbols: ['key package 1-1 exported', 'key dependencies 4-4 exported'],
    imports: [],
  },
  {
    language: 'vue',
    text: trim(`
<template>
  <div id="app"></div>
</template>
<script lang="ts">
import x from './x';
/** Counts. */
export function count(n: number): number {
  return n;
}
</script>
`),
    symbols: ['function count 7-9 doc 6 "Counts." exported'],
    imports: ['./x'],
  },
];
