/** The S3 server of moto (`pip install moto[server]`), in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAM = process.env['ANCHORAGE_MOTO'] ?? 'moto_server';

export class Moto {
  private constructor(
    private readonly process: ChildProcess,
    readonly endpoint: string,
  ) {}

  /** @throws Error when it is not installed */
  static async start(port = 5_900 + (process.pid % 100)): Promise<Moto> {
    if (spawnSync(PROGRAM, ['--help']).error)
      throw new Error(
        'moto is not installed: `pip install "moto[server]"`, and name its moto_server in ANCHORAGE_MOTO.',
      );
    const server = spawn(PROGRAM, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const moto = new Moto(server, `http://127.0.0.1:${port}`);
    for (let tried = 0; tried < 300; tried++) {
      const made = await fetch(`${moto.endpoint}/team`, { method: 'PUT' }).catch(() => undefined);
      if (made?.ok) return moto;
      await sleep(200);
    }
    moto.stop();
    throw new Error('moto does not answer.');
  }

  stop(): void {
    this.process.kill();
  }
}
