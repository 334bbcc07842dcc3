/** wagate doctor: what is wrong with this installation, before or while it runs. */
import type { Command } from 'commander';
import { readConfig, readEnvironment } from '../platform/config.ts';
import { failed } from './failure.ts';
import { printJson, printTable } from './print.ts';
import type { Server } from './server.ts';

export function addDoctor(program: Command, server: Server): void {
  program
    .command('doctor')
    .description(
      'check settings, database, schema, master key and clock, and prove every balance; changes nothing',
    )
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nWorks on the database of the settings (WAGATE_DATA or DATABASE_URL), also while a gateway runs. Ends with 1 when a check failed.\n\nExample:\n  $ wagate doctor',
    )
    .action(async ({ json }: { json?: boolean }) => {
      const read = readConfig(readEnvironment());
      const findings =
        'problems' in read
          ? read.problems.map(text => ({ check: 'settings', state: 'failed', text }) as const)
          : [
              { check: 'settings', state: 'ok', text: 'all can be read' } as const,
              ...(await server.examine(read.config)),
            ];
      if (json === true) printJson(findings);
      else
        printTable(
          ['CHECK', 'STATE', ''],
          findings.map(({ check, state, text }) => [check, state, text]),
        );
      const count = findings.filter(({ state }) => state === 'failed').length;
      if (count > 0) throw failed(`${count} of ${findings.length} checks failed.`);
    });
}
