import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { type EventStream, openEventStream } from './event-stream.ts';

/** A server that opens one stream, and a client that has asked for it. */
async function connected(onEnd: () => void) {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const [, raw] = await once(server, 'request');
  const stream: EventStream = openEventStream(raw, onEnd);
  return { server, client, stream };
}

test('a client that does not read is dropped, with bounded memory', async () => {
  let ended = 0;
  const { server, client, stream } = await connected(() => ended++);
  client.pause();
  let sent = 0;
  while (stream.send('change', { text: 'x'.repeat(1000) })) {
    sent++;
    assert.ok(sent < 20_000, 'never dropped');
    if (sent % 100 === 0) await new Promise(setImmediate);
  }
  assert.equal(ended, 1);
  assert.equal(stream.send('change', {}), false);
  let heard = '';
  client.on('data', chunk => {
    heard += chunk;
  });
  client.resume();
  await once(client, 'close');
  assert.match(heard, /event: dropped\ndata: \{"reason":"This client reads too slowly/);
  server.close();
});

test('a client that goes away ends the stream', async () => {
  let ended = 0;
  const gone = Promise.withResolvers<void>();
  const { server, client, stream } = await connected(() => {
    ended++;
    gone.resolve();
  });
  assert.equal(stream.send('change', {}), true);
  client.destroy();
  await gone.promise;
  assert.equal(stream.send('change', {}), false);
  stream.beat();
  stream.end('closed', {});
  assert.equal(ended, 1);
  server.close();
});
