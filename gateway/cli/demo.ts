/** wagate demo: the ids and keys of the demo, the same on every machine. */
import type { Command } from 'commander';
import { demoVariables } from '../demo/demo.ts';
import { printFacts, printJson, printLine, printNote } from './print.ts';
import { configOrProblems } from './settings.ts';

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description("print the demo's ids and key, which are the same on every machine")
    .option('--env', 'as shell variables')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eval "$(wagate demo --env)"
  $ curl $WAGATE_URL/api/v1/messages -H "Authorization: Bearer $WAGATE_KEY"`,
    )
    .action(({ env, json }: { env?: boolean; json?: boolean }) => {
      const { port, simulatorPort } = configOrProblems();
      const variables = demoVariables(`http://127.0.0.1:${port}`, `http://127.0.0.1:${simulatorPort}`);
      if (env === true)
        for (const [name, value] of Object.entries(variables)) printLine(`export ${name}='${value}'`);
      else if (json === true) printJson(variables);
      else {
        printFacts(variables);
        printNote('\nTo have them as variables of this shell: eval "$(npx wagate demo --env)"');
      }
    });
}
