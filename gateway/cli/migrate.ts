/** wagate migrate: brings the database of the settings up to date; a start does the same. */
import type { Command } from 'commander';
import { isoTime, systemClock } from '../platform/clock.ts';
import { hasCitus, type Placement, placements } from '../platform/distribute.ts';
import { printJson, printLine, printTable, shortTime } from './print.ts';
import type { Server } from './server.ts';
import { withDatabase } from './settings.ts';

interface Version {
  version: number;
  name: string;
  applied_at: number;
}

const told: Record<Placement['place'], string> = {
  distributed: 'distributed by tenant_id',
  reference: 'reference table, whole on every machine',
  coordinator: 'on the coordinator only',
};

export function addMigrate(program: Command, server: Server): void {
  program
    .command('migrate')
    .description('bring the database up to date and list its migrations (a start does it, too)')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://wagate@db/wagate wagate migrate')
    .action(async ({ json }: { json?: boolean }) => {
      const startedAt = systemClock.now();
      const { versions, places } = await withDatabase(server, async database => ({
        versions: await database.all<Version>(
          'select version, name, applied_at from schema_versions order by version',
        ),
        places:
          database.engine === 'postgres' && (await hasCitus(database)) ? await placements(database) : [],
      }));
      const rows = versions.map(({ version, name, applied_at }) => ({
        ...{ version, name, appliedAt: isoTime(applied_at) },
        new: applied_at >= startedAt,
      }));
      if (json === true) printJson(rows);
      else {
        printTable(
          ['VERSION', 'NAME', 'APPLIED', ''],
          rows.map(row => [row.version, row.name, shortTime(row.appliedAt), row.new ? 'just now' : '']),
        );
        if (places.length > 0) {
          printLine();
          printTable(
            ['TABLE', 'ON CITUS'],
            places.map(({ table, place }) => [table, told[place]]),
          );
        }
      }
    });
}
