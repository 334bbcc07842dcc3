/** wagate migrate: brings the database of the settings up to date; a start does the same. */
import type { Command } from 'commander';
import { isoTime, systemClock } from '../platform/clock.ts';
import { printJson, printTable, shortTime } from './print.ts';
import type { Server } from './server.ts';
import { withDatabase } from './settings.ts';

interface Version {
  version: number;
  name: string;
  applied_at: number;
}

export function addMigrate(program: Command, server: Server): void {
  program
    .command('migrate')
    .description('bring the database up to date and list its migrations (a start does it, too)')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://wagate@db/wagate wagate migrate')
    .action(async ({ json }: { json?: boolean }) => {
      const startedAt = systemClock.now();
      const versions = await withDatabase(server, database =>
        database.all<Version>('select version, name, applied_at from schema_versions order by version'),
      );
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
      }
    });
}
