import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { findServers } from '../../src/hub';
import { FakeServer } from '../inference/server/fake-server';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

it('servers on loopback are found with their models; silent and strange ones are left out', async () => {
  const server = await new FakeServer().start();
  stops.push(() => server.stop());
  server.models = { data: [{ id: 'a:1b' }, { id: 7 }, null, {}] };
  const strange = await new FakeServer().start();
  stops.push(() => strange.stop());
  strange.models = 'hello';
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    silent.closeAllConnections();
    return new Promise((resolve) => silent.close(resolve));
  });
  const { port } = silent.address() as AddressInfo;
  expect(
    await findServers([
      { program: 'One', port: server.port },
      { program: 'Two', port: strange.port },
      { program: 'Three', port },
      { program: 'Four', port: 1 },
    ]),
  ).toEqual([{ program: 'One', base: server.base, models: ['a:1b'] }]);
});
