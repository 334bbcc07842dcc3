/** A new user's first minute: what the README says, pasted; what is printed; Ctrl-C; a second start; and what goes wrong. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from './harness/postgres.ts';
import { call } from './harness/programs.ts';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);

let folder: string;
let port: number;
let simulatorPort: number;
let env: NodeJS.ProcessEnv;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagate-first-'));
  port = await freePort();
  simulatorPort = await freePort();
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    WAGATE_DATA: folder,
    PORT: String(port),
    SIMULATOR_PORT: String(simulatorPort),
  };
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  output(): string;
  /** Resolves when the output matches. */
  printed(pattern: RegExp, count?: number): Promise<void>;
  interrupt(): Promise<number | null>;
}

function start(): Running {
  const child = spawn(process.execPath, ['wagate.js', 'serve'], { cwd: root, env });
  let output = '';
  let heard = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      heard();
    });
  }
  const exited = once(child, 'exit') as Promise<[number | null]>;
  return {
    output: () => output,
    async printed(pattern, count = 1) {
      const global = new RegExp(pattern, 'g');
      const late = setTimeout(() => child.kill(), 20_000);
      while ((output.match(global)?.length ?? 0) < count) {
        await Promise.race([
          new Promise<void>(resolve => (heard = resolve)),
          exited.then(() => assert.fail(`not printed: ${pattern}\n${output}`)),
        ]);
      }
      clearTimeout(late);
    },
    async interrupt() {
      child.kill('SIGINT');
      return (await exited)[0];
    },
  };
}

/** Runs a pasted command as a shell would; the published ports are those of this test. */
async function paste(command: string): Promise<string> {
  const here = command.replaceAll(':3000', `:${port}`).replaceAll(':4000', `:${simulatorPort}`);
  const { stdout } = await run('bash', ['-c', here], { cwd: root, env });
  return stdout;
}

const readmeCommands = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block!.split(/\n(?=curl )/))
  .filter(command => command.startsWith('curl '));

test('start, paste what is printed and what the README shows, watch, stop, start again', async () => {
  let wagate = start();
  await wagate.printed(/What happens to each message follows here/);
  const banner = wagate.output();
  assert.ok(banner.split('\n').length <= 24, 'well under a screen');
  for (const fact of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${simulatorPort}`, 'pk_demodemo'])
    assert.ok(banner.includes(fact), fact);

  const printed = banner.match(/curl .*$/gm) ?? [];
  assert.equal(printed.length, 4);
  for (const command of printed) {
    const answer = JSON.parse(await paste(command)) as object;
    assert.ok(
      'messages' in answer || 'isSuccess' in answer || 'id' in answer || 'recipients_count' in answer,
      JSON.stringify(answer),
    );
  }
  // Three single sends and a tag of three contacts, each followed until it is read.
  for (const status of ['queued', 'accepted', 'sent', 'delivered', 'read'])
    await wagate.printed(new RegExp(`\\d  ${status} `), 6);

  assert.equal(readmeCommands.length, 7);
  for (const command of readmeCommands) assert.match(await paste(command), /"id"|"wamid"|recipients_count/);

  assert.equal(await wagate.interrupt(), 0);

  wagate = start();
  await wagate.printed(/What happens to each message follows here/);
  const { body } = await call<{ data: { status: string }[] }>(`http://127.0.0.1:${port}/api/v1/messages`, {
    key: 'pk_demodemodemodemodemodemodemodemo',
  });
  assert.equal(body.data.length, 6 + 7);
  assert.equal(await wagate.interrupt(), 0);
});

test('the demo variables fill the documented examples', async () => {
  const names =
    'URL SIMULATOR_URL KEY TENANT_ID NUMBER_ID PHONE_NUMBER_ID WABA_ID TAG_ID TEMPLATE_ID RECIPIENT'.split(
      ' ',
    );
  const shown = await paste(
    `eval "$(${process.execPath} wagate.js demo --env)"; echo ${names.map(name => `"$WAGATE_${name}"`).join(' ')}`,
  );
  assert.match(
    shown,
    /^http:\S+ http:\S+ pk_demo\S+ b5a1f6c2-\S+ 123 106540352242922 102290129340398 42 \d+ 905321234567\n$/,
  );
});

test('all that is wrong is told at once, a sentence each', async () => {
  const blocker = createServer().listen(port, '127.0.0.1');
  await once(blocker, 'listening');
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const failed = await run(process.execPath, ['wagate.js', 'serve'], {
    cwd: root,
    env: {
      ...env,
      WAGATE_DATA: join(file, 'below'),
      WAGATE_LOG_LEVEL: 'loud',
      WAGATE_MESAGE_TTL: '5',
      META_TIMEOUT_MS: 'soon',
    },
  }).then(
    () => assert.fail('it started'),
    (error: { code: number; stderr: string }) => error,
  );
  blocker.close();
  assert.equal(failed.code, 2);
  for (const sentence of [
    /WAGATE_LOG_LEVEL must be one of trace, debug, info, warn, error, silent, is "loud"\./,
    /META_TIMEOUT_MS must be a whole number of at least 1, is "soon"\./,
    /WAGATE_MESAGE_TTL is not a setting of Wagate/,
    /WAGATE_DATA folder .* cannot be written/,
    new RegExp(`PORT ${port} is in use`),
  ]) {
    assert.match(failed.stderr, sentence);
  }
  assert.doesNotMatch(failed.stderr, /\n\s+at /, 'no stack trace');
});

test('a connection that never asks anything does not hold up the end', async () => {
  const wagate = start();
  await wagate.printed(/What happens to each message follows here/);
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const before = performance.now();
  assert.equal(await wagate.interrupt(), 0);
  assert.ok(performance.now() - before < 30_000);
  socket.destroy();
});
