import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const program = new URL('./main.ts', import.meta.url).pathname;

function start(...options: string[]): { child: ChildProcess; output: () => string } {
  const child = fork(program, options, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', chunk => {
      text += String(chunk);
    });
  return { child, output: () => text };
}

test('ready over the channel, gone with the channel', async () => {
  const { child, output } = start('--port', '0');
  // Node gives no `close` for a child whose channel the parent closed.
  const gone = Promise.all([once(child, 'exit'), once(child.stdout ?? child, 'end')]);
  const [ready] = await once(child, 'message');
  assert.equal(ready.type, 'ready');
  const response = await fetch(`http://127.0.0.1:${ready.port}/control/summary`);
  assert.equal(response.status, 200);
  await response.text();
  child.disconnect();
  assert.deepEqual((await gone)[0], [0, null]);
  assert.equal(output(), `simulator listening on http://127.0.0.1:${ready.port}\n`);
});

test('a port in use is said in one sentence', async () => {
  const first = start('--port', '0', '--quiet');
  const [ready] = await once(first.child, 'message');
  const second = start('--port', String(ready.port));
  assert.deepEqual(await once(second.child, 'close'), [1, null]);
  assert.match(second.output(), /^port \d+ on 127\.0\.0\.1 is in use: [^\n]+\n$/);
  const closed = once(first.child, 'close');
  first.child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  assert.equal(first.output(), '');
});
