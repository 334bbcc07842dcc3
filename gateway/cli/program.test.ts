/** What can be said of every command at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from './program.ts';

const unused = () => assert.fail('no command is run here');
const program = createProgram({
  createGateway: unused,
  prepareWorkers: unused,
  openDatabase: unused,
  examine: unused,
  preflight: unused,
});

/** Those that do something, with the words that lead to them. */
function* commandsOf(parent: Command, before = ''): Generator<[words: string, command: Command]> {
  // Hidden: started by other commands, not by people.
  for (const command of parent.createHelp().visibleCommands(parent)) {
    if (command.name() === 'help') continue;
    const words = `${before}${command.name()}`;
    if (command.commands.length > 0) yield* commandsOf(command, `${words} `);
    else yield [words, command];
  }
}

const commands = [...commandsOf(program)];

test('there are commands', () => assert.ok(commands.length > 50, String(commands.length)));

for (const [words, command] of commands) {
  test(`wagate ${words} --help teaches with an example`, () => {
    let help = '';
    command.configureOutput({
      writeOut: text => {
        help += text;
      },
    });
    command.outputHelp();
    // What `wagate demo` gives is for other commands.
    assert.match(help, new RegExp(`Examples?:\\n(  .*\\n)*  \\$ .*wagate ${words === 'demo' ? '' : words}`));
  });
}
