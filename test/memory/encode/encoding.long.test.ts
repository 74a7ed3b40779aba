import { it } from 'vitest';
import { killWhileEncoding } from './encoding-kill';

it(
  '200 deaths by kill -9 at random moments lose no segment, harm no read and leave no duplicate',
  () => killWhileEncoding(200),
  1_800_000,
);
