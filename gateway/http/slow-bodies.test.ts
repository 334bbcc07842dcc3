/** How long a body may take, on a real server; the waits are the ends of connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { watchSlowBodies } from './slow-bodies.ts';

let server: Server;
const bodies = watchSlowBodies({ limitMs: 300, lookEveryMs: 20 });

before(async () => {
  server = createServer((request, response) => {
    bodies.hold(response, request.url === '/file');
    let length = 0;
    request.on('data', part => {
      length += part.length;
    });
    request.on('end', () => response.end(`read ${length}`));
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  bodies.stop();
  server.close();
});

async function post(path: string, bytes: number): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', part => {
    text += part.toString();
  });
  const answer = once(socket, 'close').then(() => text);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`);
  return { socket, answer };
}

/** A byte every 30 ms until there are enough or the connection is closed. */
function trickle(socket: Socket, bytes: number): void {
  let left = bytes;
  const timer = setInterval(() => {
    if (left-- > 0 && !socket.destroyed) socket.write('x');
    else clearInterval(timer);
  }, 30);
}

test('a body that comes byte by byte is cut off in the end', async () => {
  const { socket, answer } = await post('/', 10_000);
  trickle(socket, 10_000);
  assert.match(await answer, /^HTTP\/1.1 408 /);
  assert.equal(bodies.held(), 0);
});

test('a file may take longer, as long as it comes', async () => {
  const { socket, answer } = await post('/file', 40);
  trickle(socket, 40);
  assert.match(await answer, /read 40$/);
});

test('a file of which nothing comes any more is cut off', async () => {
  const { socket, answer } = await post('/file', 40);
  trickle(socket, 10);
  assert.match(await answer, /^HTTP\/1.1 408 /);
});

test('a request whose body came may take its time', async () => {
  const { socket, answer } = await post('/', 2);
  socket.write('xx');
  assert.match(await answer, /read 2$/);
});
