import { expect, it } from 'vitest';
import { withoutRoles } from '../../../src/workspace';

it.each([
  ['raises {exc}`click.Abort` or :class:`Flask`', 'raises `click.Abort` or `Flask`'],
  ['see :py:meth:`~flask.Flask.route` and {py:func}`!run`', 'see `route` and `run`'],
  [':ref:`the guide\nof the port <guide>` and :doc:`/tides`', 'the guide\nof the port and `/tides`'],
  ['Fixed. {issue}`3458` :pr:`12`', 'Fixed. #3458 #12'],
  ['read `the tables <https://example.org/t>`_ and `Harbour`__', 'read the tables and Harbour'],
  ['`${name}`literal`, `a` or `b`, a `code_` with `x < y`', '`${name}`literal`, `a` or `b`, a `code_` with `x < y`'],
])('%s shows what its roles and links mean', (text, shown) => {
  expect(withoutRoles(text)).toBe(shown);
});
