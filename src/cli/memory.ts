/** `memory`: shares encoded segments with a team over an object store. For CI and for setting a team up. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { generateKeys, PATIENT, pullRows, pushRows, sweepTeam, teamStatus } from '../app';
import { formatBytes, formatNumber } from '../base';
import { type Arguments, UNSET, UsageError } from './arguments';
import { openSession, type Session } from './session';
import { write, writeJson } from './write';

const HELP = `Share encoded segments and the index with a team, over S3 or a shared directory.

Usage: anchorage memory push | pull | status | sweep | keys [options]

Commands:
  push    Encode what nobody in the team has encoded yet, and commit it. Several machines share the work.
  pull    Read the index and the rows that the team has. Encodes nothing.
  status  Show what the team has of this workspace.
  sweep   Delete packs that nobody needs: a week after two sweeps found them so. Run it once a week.
  keys    Print fresh keys for a team. Run it once.

Options:
  --shared ADDRESS     s3://BUCKET/PREFIX?writers=KEY, or file:///DIRECTORY?writers=KEY. Default: the environment
                       variable ANCHORAGE_MEMORY_SHARED.
  -w, --workspace DIR  Folder of the workspace; repeatable. Default: the current folder.
  --storage DIR        Folder of the index and the encoded segments.
  --unused             With sweep: also delete packs older than a month that hold nothing of this workspace.
  --threads N          Threads of the engine. Default: the number of cores.
  --json               Print JSON.
  --progress           Show progress on stderr, even if it is not a terminal.
  -h, --help           Show this help.

The address takes further parameters: endpoint (a store other than Amazon's), region, write=yes (editors write too),
unsigned=yes (trust whoever can write there).

Environment:
  ANCHORAGE_MEMORY_SECRET, ANCHORAGE_MEMORY_SIGNING_KEY   as \`anchorage memory keys\` printed them
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE … as other clients of S3 read them

Example:
  anchorage memory push --workspace . --shared "s3://team-cache/anchorage?writers=$WRITER"`;

const OPTIONS = {
  shared: { type: 'string' },
  workspace: { type: 'string', multiple: true, short: 'w' },
  storage: { type: 'string' },
  unused: { type: 'boolean' },
  threads: { type: 'string' },
  json: { type: 'boolean' },
  progress: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options'];

interface Given {
  args: Arguments;
  unused: boolean;
  signal: AbortSignal;
}

type Work = (session: Session, given: Given) => Promise<void>;

const WORK: Readonly<Record<string, Work>> = { push: runPush, pull: runPull, status: runTeamStatus, sweep: runSweep };

export async function memoryMain(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = understood(argv);
  const [name, ...rest] = positionals;
  if (values.help) {
    await write(HELP);
    return 0;
  }
  if (name === 'keys') {
    await printKeys(values.json ?? false);
    return 0;
  }
  const work = name === undefined ? undefined : WORK[name];
  if (!work) throw new UsageError('What? One of push, pull, status, sweep and keys.', 'memory');
  if (rest.length > 0) throw new UsageError('Name the workspace with --workspace.', 'memory');
  const { unused = false, ...own } = values;
  const args: Arguments = { ...UNSET, ...own, operands: [] };
  const session = await openSession('index', args, { model: true, patience: PATIENT });
  try {
    await session.index(signal);
    await work(session, { args, unused, signal });
  } finally {
    session.progress.done();
    await session.close();
  }
  return 0;
}

async function runPush(session: Session, { args, signal }: Given): Promise<void> {
  const started = performance.now();
  const progress = (done: number, all: number): void =>
    session.progress.update(done / Math.max(1, all), `${formatNumber(done)} of ${formatNumber(all)} records shared`);
  const result = await pushRows(session, { signal, progress });
  const index = await session.shareIndex(signal);
  const seconds = (performance.now() - started) / 1_000;
  session.progress.done();
  if (args.json) return writeJson({ ...result, index, seconds });
  await write(
    `${formatNumber(result.needed)} records are needed, and ${formatNumber(result.present)} were shared before. ` +
      `This run encoded ${formatNumber(result.encoded)} and committed ${formatNumber(result.committed)} in ` +
      `${formatNumber(result.packs)} packs (${formatBytes(result.bytes)}), in ${seconds.toFixed(1)} s. ` +
      `The index has ${formatBytes(index?.bytes ?? 0)}, of which ${formatBytes(index?.written ?? 0)} were new.`,
  );
}

async function runPull(session: Session, { args, signal }: Given): Promise<void> {
  const figures = await pullRows(session, { signal });
  session.progress.done();
  if (args.json) return writeJson(figures);
  const { pulled, bytes, seconds, encoded, segments } = figures;
  await write(
    `Read ${formatNumber(pulled)} records (${formatBytes(bytes)}) from the team in ${seconds.toFixed(1)} s. ` +
      `${formatNumber(encoded)} of ${formatNumber(segments)} segments are encoded.`,
  );
}

async function runTeamStatus(session: Session, { args }: Given): Promise<void> {
  const status = await teamStatus(session);
  if (args.json) return writeJson(status, 2);
  const strange =
    status.untrusted > 0
      ? [`Ignored    ${formatNumber(status.untrusted)} entries of writers that are not trusted`]
      : [];
  const harmed = status.harmed > 0 ? [`Damaged    ${formatNumber(status.harmed)} records, not used`] : [];
  await write(
    [
      `Address    ${status.address}`,
      `Team has   ${formatNumber(status.records)} records in ${formatNumber(status.packs)} packs, ` +
        formatBytes(status.bytes),
      `Of these   ${formatNumber(status.shared)} of the workspace’s ${formatNumber(status.segments)} records`,
      ...strange,
      ...harmed,
      ...(status.reason === undefined ? [] : [`Problem    ${status.reason}`]),
    ].join('\n'),
  );
}

async function runSweep(session: Session, { args, unused, signal }: Given): Promise<void> {
  const result = await sweepTeam(session, unused, { signal });
  if (args.json) return writeJson(result);
  const versions = result.versions.length > 0 ? ` Deleted ${result.versions.length} old versions.` : '';
  await write(
    `Deleted ${formatNumber(result.deleted)} of ${formatNumber(result.packs)} packs ` +
      `(${formatBytes(result.bytesFreed)}). ${formatNumber(result.marked)} are useless and stay for a week.${versions}`,
  );
}

async function printKeys(json: boolean): Promise<void> {
  const { secret, signingKey, writer } = generateKeys();
  if (json) return writeJson({ secret, signingKey, writer });
  await write(
    [
      '# For everyone in the team: names records. Whoever has it and can read the bucket can read the texts.',
      `ANCHORAGE_MEMORY_SECRET=${secret}`,
      '# For CI, and for whoever else may write: signs what is committed.',
      `ANCHORAGE_MEMORY_SIGNING_KEY=${signingKey}`,
      '# The setting anchorage.memory.shared, and --shared:',
      `s3://BUCKET/PREFIX?writers=${writer}`,
    ].join('\n'),
  );
}

function understood(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, 'memory');
  }
}
