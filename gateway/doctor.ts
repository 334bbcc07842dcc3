/** What `wagate doctor` looks at: whether this installation could start as it is set up, and whether its money adds up. Changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listPrices } from './billing/prices.ts';
import { proveMoney, tellAstray } from './billing/proof.ts';
import { connectDatabase } from './groundwork.ts';
import { refuseMoved } from './move/mark.ts';
import { refuseUnfinished } from './move/record.ts';
import { isoTime, systemClock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import type { Database } from './platform/database.ts';
import { readMigrations, schemaVersion } from './platform/migrate.ts';
import { createSeal, masterKey } from './platform/seal.ts';
import { StartProblem } from './platform/start-problem.ts';
import { preflight } from './preflight.ts';
import { openSecrets } from './tenants/number-book.ts';
import { allNumbers, findNumber } from './tenants/numbers.ts';

export interface Finding {
  check: 'settings' | 'folder' | 'database' | 'schema' | 'master key' | 'clock' | 'prices' | 'money';
  /** Only `failed` makes the whole fail. */
  state: 'ok' | 'warning' | 'failed';
  text: string;
}

const apartMs = { warning: 2_000, failed: 60_000 };

export async function examine(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  const find = (check: Finding['check'], state: Finding['state'], text: string) =>
    void findings.push({ check, state, text });
  const folder = await preflight({ dataFolder: config.dataFolder });
  if (folder.length > 0) find('folder', 'failed', folder.join(' '));
  else find('folder', 'ok', `${config.dataFolder} can be written`);
  const file = join(config.dataFolder, 'wagate.db');
  if (config.databaseUrl === null && !existsSync(file)) {
    find('database', 'warning', `there is no ${file} yet: the first start makes it`);
    return findings;
  }
  const database = connectDatabase(config, () => undefined);
  try {
    if (config.databaseUrl === null) refuseMoved(config.dataFolder);
    await refuseUnfinished(database);
    await database.all('select 1 as one');
    find('database', 'ok', config.databaseUrl === null ? file : 'PostgreSQL at DATABASE_URL answers');
    if (!(await checkSchema(database, find))) return findings;
    await checkMasterKey(config, database, find);
    await checkClock(database, find);
    await checkPrices(database, find);
    await checkMoney(database, find);
  } catch (error) {
    const text =
      error instanceof StartProblem ? error.problems.join(' ') : String((error as Error).message || error);
    find('database', 'failed', text);
  } finally {
    await database.close();
  }
  return findings;
}

type Find = (check: Finding['check'], state: Finding['state'], text: string) => void;

/** Whether what follows knows its tables. */
async function checkSchema(database: Database, find: Find): Promise<boolean> {
  const newest = readMigrations().at(-1)?.version ?? 0;
  const version = await schemaVersion(database).catch(() => 0);
  if (version === newest) find('schema', 'ok', `version ${version}`);
  else if (version > newest)
    find(
      'schema',
      'failed',
      `version ${version}, and this program knows up to ${newest}: run a newer Wagate`,
    );
  else
    find(
      'schema',
      'warning',
      `version ${version} of ${newest}: the next start, or wagate migrate, brings it up to date`,
    );
  return version === newest;
}

async function checkMasterKey(config: Config, database: Database, find: Find): Promise<void> {
  const stored = await allNumbers(database);
  if (stored.length === 0) return find('master key', 'ok', 'nothing is sealed yet');
  try {
    const seal = createSeal(masterKey(config.masterKey, config.dataFolder, false));
    const shut: number[] = [];
    for (const { tenantId, numberId } of stored) {
      const number = await findNumber(database, tenantId, numberId);
      try {
        if (number !== undefined) openSecrets(seal, number.id, number.sealed);
      } catch {
        shut.push(numberId);
      }
    }
    if (shut.length === 0) find('master key', 'ok', `opens the secrets of ${stored.length} numbers`);
    else
      find(
        'master key',
        'failed',
        `does not open the secrets of number ${shut.slice(0, 10).join(', ')}: give back the one they were sealed with (WAGATE_MASTER_KEY, or master.key in ${config.dataFolder})`,
      );
  } catch (error) {
    find('master key', 'failed', error instanceof StartProblem ? error.problems.join(' ') : String(error));
  }
}

async function checkClock(database: Database, find: Find): Promise<void> {
  const now = systemClock.now();
  const [latest] = await database.all<{ at: number | null }>(
    'select max(applied_at) as at from schema_versions',
  );
  if ((latest?.at ?? 0) > now + apartMs.failed)
    return find(
      'clock',
      'failed',
      `it is ${isoTime(now)} here, and the schema was made later than that: set the clock`,
    );
  if (database.engine === 'sqlite') return find('clock', 'ok', isoTime(now));
  const [there] = await database.all<{ at: number }>(
    'select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as at',
  );
  const apart = Math.abs(there!.at - systemClock.now());
  const text = `${isoTime(now)} here, ${(apart / 1000).toFixed(1)} s from PostgreSQL's`;
  if (apart < apartMs.warning) find('clock', 'ok', text);
  else find('clock', apart < apartMs.failed ? 'warning' : 'failed', `${text}: synchronize both`);
}

async function checkPrices(database: Database, find: Find): Promise<void> {
  const [prepaid] = await database.all<{ n: number }>(
    `select count(*) as n from tenants where billing = 'prepaid'`,
  );
  const prices = await listPrices(database);
  if (prepaid!.n === 0) return find('prices', 'ok', `${prices.length}; no tenant is prepaid`);
  const now = systemClock.now();
  const missing = ['marketing', 'utility', 'authentication', 'service'].filter(
    category =>
      !prices.some(price => price.market === '*' && price.category === category && price.validFrom <= now),
  );
  if (missing.length === 0) find('prices', 'ok', `${prices.length}, for ${prepaid!.n} prepaid tenants`);
  else
    find(
      'prices',
      'warning',
      `${prepaid!.n} tenants are prepaid, and there is no price elsewhere (*) for ${missing.join(', ')}: what has no price costs them Wagate's fee only (wagate prices import)`,
    );
}

async function checkMoney(database: Database, find: Find): Promise<void> {
  const astray = await proveMoney(database);
  if (astray.length === 0) find('money', 'ok', 'balance = top-ups - charges - holds, for every tenant');
  for (const one of astray) find('money', 'failed', tellAstray(one));
}
