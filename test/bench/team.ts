/**
 * `npm run bench -- team [workers | pull | billion]…`: a team's memory over moto, and a billion tokens by simulation.
 * `pull` needs `npm run build`; the first two need moto.
 */
import { benchBillion } from './team/billion';
import { benchPull } from './team/pull';
import { benchWorkers } from './team/workers';

const PARTS: Readonly<Record<string, (size?: number) => Promise<void>>> = {
  workers: benchWorkers,
  pull: () => benchPull(),
  billion: benchBillion,
};

export async function run(args: readonly string[]): Promise<void> {
  const size = args.map(Number).find((number) => number > 0);
  const parts = args.filter((arg) => arg in PARTS);
  console.log('| measured | value |\n| --- | --- |');
  for (const part of parts.length > 0 ? parts : Object.keys(PARTS)) await PARTS[part]?.(size);
}
