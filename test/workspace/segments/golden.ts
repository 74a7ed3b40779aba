import { SCRIPTS } from './golden-scripts';
import { type Golden, trim } from './golden-types';

export const GOLDEN: readonly Golden[] = [
  {
    language: 'typescript',
    text: trim(`
import { a } from './a';
import type { B } from "../b";

/** Waits. */
export async function wait(ms: number): Promise<void> {
  await sleep(ms);
}

export const LIMIT = 5;
const double = (x: number) => x * 2;

export interface Shape {
  area(): number;
  name: string;
}

// A circle.
// Two lines.
@sealed
export class Circle implements Shape {
  private radius = 1;
  /** Its area. */
  @memo()
  area(): number { return 3 * this.radius ** 2; }
  #hidden() {}
}
type Id = string | number;
export enum Color { Red }
namespace Inner { export function f() {} }
export { double };
`),
    symbols: [
      'function wait 5-7 doc 4 "Waits." exported',
      'constant LIMIT 9-9 exported',
      'function double 10-10 exported',
      'interface Shape 12-15 exported',
      'method Shape.area 13-13 exported',
      'field Shape.name 14-14 exported',
      'class Circle 20-26 doc 17 "A circle.\\nTwo lines." exported',
      'field Circle.radius 21-21',
      'method Circle.area 24-24 doc 22 "Its area." exported',
      'method Circle.#hidden 25-25',
      'type Id 27-27',
      'enum Color 28-28 exported',
      'namespace Inner 29-29',
      'function Inner.f 29-29 exported',
    ],
    imports: ['./a', '../b'],
  },
  {
    language: 'javascript',
    text: trim(`
const fs = require('fs');
const { join } = require('path'), sep = require("path").sep, debug = require('debug')('app');
exports.read = function (file) {
  return fs.readFileSync(file);
};
Foo.prototype.bar = () => {
  return 1;
};
module.exports = { helper };
function helper() {
  return { run() { return 2; }, stop: function () {} };
}
`),
    symbols: [
      'constant debug 2-2',
      'function read 3-5 exported',
      'function bar 6-8',
      'function helper 10-12 exported',
      'method helper.run 11-11',
      'method helper.stop 11-11',
    ],
    imports: ['fs', 'path', 'debug'],
  },
  {
    language: 'javascript',
    text: trim(`
module.exports = class Pool extends Base {
  take() {}
};
module.exports = class extends Base {
  give() {}
};
exports.make = function makePool() {};
module.exports = async function open() {};
`),
    symbols: [
      'class Pool 1-3 exported',
      'method Pool.take 2-2 exported',
      'class exports 4-6 exported',
      'method exports.give 5-5 exported',
      'function make 7-7 exported',
      'function open 8-8 exported',
    ],
    imports: [],
  },
  {
    language: 'python',
    text: trim(`
"""Module."""
from os import path
import json as j

LIMIT = 3

@decorate
def outer(a,
          b=1):
    """Does it.

    More.
    """
    def inner():
        return a
    return inner

class Base(object):  # note
    '''Base of all.'''
    kind = "x"

    @property
    def name(self): return 1

    def _private(self):
        # no docstring
        pass
`),
    symbols: [
      'constant LIMIT 5-5 exported',
      'function outer 8-16 doc 10 "Does it.\\n\\nMore." exported',
      'function outer.inner 14-15 exported',
      'class Base 18-27 doc 19 "Base of all." exported',
      'field Base.kind 20-20 exported',
      'method Base.name 23-23 exported',
      'method Base._private 25-27',
    ],
    imports: ['os', 'json'],
  },
  {
    language: 'go',
    text: trim(`
package main

import (
	"fmt"
	al "net/http"
)

const Max = 3

// Server serves.
type Server struct {
	Addr string
}

type Handler interface {
	Serve(w int) error
}

// Start begins.
func (s *Server) Start() error {
	return nil
}

func helper[T any](x T) {}
`),
    symbols: [
      'constant Max 8-8 exported',
      'struct Server 11-13 doc 10 "Server serves." exported',
      'field Server.Addr 12-12 exported',
      'interface Handler 15-17 exported',
      'method Handler.Serve 16-16 exported',
      'method Server.Start 20-22 doc 19 "Start begins." exported',
      'function helper 24-24',
    ],
    imports: ['fmt', 'net/http'],
  },
  {
    language: 'rust',
    text: trim(`
use std::fs::File;
mod inner;

/// A point.
#[derive(Debug)]
pub struct Point { x: i32 }

pub trait Draw { fn draw(&self); }

impl Draw for Point {
    /// Draws.
    fn draw(&self) { println!("x"); }
}

pub(crate) fn free<T>(t: T) -> T where T: Clone {
    t
}

macro_rules! m { () => {}; }
const N: usize = 3;
enum E { A, B(i32) }
`),
    symbols: [
      'module inner 2-2',
      'struct Point 6-6 doc 4 "A point." exported',
      'field Point.x 6-6',
      'trait Draw 8-8 exported',
      'method Draw.draw 8-8 exported',
      'method Point.draw 12-12 doc 11 "Draws."',
      'function free 15-17 exported',
      'macro m 19-19',
      'constant N 20-20',
      'enum E 21-21',
      'constant E.A 21-21',
      'constant E.B 21-21',
    ],
    imports: ['std::fs::File', 'inner'],
  },
  {
    language: 'java',
    text: trim(`
package a.b;
import java.util.List;

/**
 * A box.
 */
@Deprecated
public class Box<T> extends Base {
    private int size;
    public Box() { }
    /** Gets. */
    @Override
    public T get(int i) {
        return null;
    }
    interface Op { void run(); }
    enum Kind { A, B }
}
`),
    symbols: [
      'class Box 8-18 doc 4 "A box." exported',
      'field Box.size 9-9',
      'method Box.Box 10-10 exported',
      'method Box.get 13-15 doc 11 "Gets." exported',
      'interface Box.Op 16-16',
      'method Box.Op.run 16-16 exported',
      'enum Box.Kind 17-17',
      'constant Box.Kind.A 17-17 exported',
      'constant Box.Kind.B 17-17 exported',
    ],
    imports: ['java.util.List'],
  },
  {
    language: 'c',
    text: trim(`
#include <stdio.h>
#include "my.h"
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define SIZE 10

/* A node. */
typedef struct node {
    int value;
} node_t;

int declared(int a);

/*
 * Adds.
 */
static int
add(int a,
    int b)
{
#ifdef FAST
    return a + b;
#else
    return b + a;
#endif
}

char **names(void) { return 0; }
`),
    symbols: [
      'macro MAX 3-3 exported',
      'macro SIZE 4-4 exported',
      'type node_t 7-9 doc 6 "A node." exported',
      'struct node 7-9 doc 6 "A node." exported',
      'field node.value 8-8 exported',
      'function declared 11-11 exported declaration',
      'function add 16-25 doc 13 "Adds."',
      'function names 27-27 exported',
    ],
    imports: ['stdio.h', 'my.h'],
  },
  {
    language: 'cpp',
    text: trim(`
#include <vector>
namespace app {
/// A queue.
template <typename T>
class Queue : public Base {
 public:
  void push(const T& value);
  T pop() { return T(); }
 private:
  int size_;
};

template <typename T>
void Queue<T>::push(const T& value) {
  items.push_back(value);
}
}  // namespace app
using Id = int;
enum class Color { Red };
`),
    symbols: [
      'namespace app 2-17 exported',
      'class app.Queue 5-11 doc 3 "A queue." exported',
      'method app.Queue.push 7-7 exported declaration',
      'method app.Queue.pop 8-8 exported',
      'field app.Queue.size_ 10-10 exported',
      'method app.Queue<T>.push 14-16 exported',
      'type Id 18-18 exported',
      'enum Color 19-19 exported',
    ],
    imports: ['vector'],
  },
  {
    language: 'csharp',
    text: trim(`
using System.Text;
namespace A.B
{
    /// <summary>A box.</summary>
    [Serializable]
    public class Box
    {
        private readonly int _size;
        public int Size { get; set; }
        public Box(int size) { _size = size; }
        public override string ToString() => "x";
    }
    public enum Kind { A }
    public interface IShape { double Area(); }
}
`),
    symbols: [
      'namespace A.B 2-15',
      'class A.B.Box 6-12 doc 4 "A box." exported',
      'field A.B.Box._size 8-8',
      'field A.B.Box.Size 9-9 exported',
      'method A.B.Box.Box 10-10 exported',
      'method A.B.Box.ToString 11-11 exported',
      'enum A.B.Kind 13-13 exported',
      'constant A.B.Kind.A 13-13 exported',
      'interface A.B.IShape 14-14 exported',
      'method A.B.IShape.Area 14-14 exported',
    ],
    imports: ['System.Text'],
  },
  ...SCRIPTS,
];
