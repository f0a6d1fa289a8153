import { ENGINES } from '@behalf/database/testing';
import { expect, test } from 'vitest';
import { integrityOf } from '../support/integrity.ts';
import { Load } from '../support/load.ts';
import { startReplicas } from '../support/replicas.ts';

const KILLS = 20;

test.concurrent.each(ENGINES)(
  'nothing acknowledged is lost when the process is killed under load, 20 times (%s)',
  async (engine) => {
    const replicas = await startReplicas({ engine });
    const load = new Load();
    let service = await replicas.start();
    await load.begin(replicas.issuer);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const exchanges = 6 + (kill % 7);
      let exchangesUntilKill = exchanges;
      const due = Promise.withResolvers<void>();
      const working = load.run(service.url, () => {
        exchangesUntilKill -= 1;
        if (exchangesUntilKill === 0) due.resolve();
      });
      await Promise.race([due.promise, working]);
      await replicas.kill(service);
      await working;
      expect(load.issued.size).toBeGreaterThanOrEqual(exchanges);
      service = await replicas.start();
      expect(await load.lost(service.url, replicas.issuer)).toEqual([]);
    }
    expect(await load.lostEver(service.url)).toEqual([]);
    await replicas.kill(service);
    expect(engine === 'sqlite' ? integrityOf(replicas.databaseFile) : 'ok').toBe('ok');
    await replicas.close();
  },
  300_000,
);
