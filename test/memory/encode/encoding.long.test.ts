import { it } from 'vitest';
import { killWhileEncoding } from './encoding-kill';

it(
  '200 kills with SIGKILL at random moments lose no segment, damage no read and leave no duplicate',
  () => killWhileEncoding(200),
  1_800_000,
);
