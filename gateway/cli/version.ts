/** wagate version */
import type { Command } from 'commander';
import { version } from '../platform/version.ts';
import { printJson, printLine } from './print.ts';

export function addVersion(program: Command): void {
  program
    .command('version')
    .description('print the version of Wagate and of the Node it runs on')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ wagate version')
    .action(({ json }: { json?: boolean }) => {
      if (json === true) printJson({ wagate: version, node: process.version });
      else printLine(`wagate ${version} (Node ${process.version})`);
    });
}
