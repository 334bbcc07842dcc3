/** The receivers of docs/webhooks.md, taken from the page as they stand there: they know what we post, and nothing else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newEndpoint, secretSamples, signing } from '../gateway/webhooks/formats/endpoint-samples.ts';
import { eventSamples } from '../gateway/webhooks/formats/event-samples.ts';
import { render } from '../gateway/webhooks/formats/render.ts';

interface Receiver {
  isOurs(secret: string, body: Buffer, headers: Record<string, string>): boolean;
}

const page = readFileSync(join(import.meta.dirname, '../docs/webhooks.md'), 'utf8');
const snippets = [...page.matchAll(/`(\w+)`[^`]*:\n\n```js\n(.*?)```/gs)].map(([, format, code]) => ({
  format,
  code,
}));

test('the guide has a receiver for each format, and each knows what is ours', async () => {
  assert.deepEqual(
    snippets.map(({ format }) => format),
    ['standard', 'meta', 'connectly'],
  );
  for (const format of ['standard', 'meta', 'connectly'] as const) {
    const { code } = snippets.find(snippet => snippet.format === format)!;
    const { isOurs } = (await import(`data:text/javascript,${encodeURIComponent(code!)}`)) as Receiver;
    const secrets = [secretSamples[format], `whsec_${Buffer.alloc(32, 1).toString('base64')}`];
    // The receiver looks at the clock.
    const posted = render(
      format,
      [eventSamples['message.received']],
      newEndpoint(format),
      signing({ secrets, nowMs: Date.now() }),
    )!;
    const body = Buffer.from(posted.body);
    assert.equal(isOurs(secrets[0]!, body, posted.headers), true, format);
    assert.equal(isOurs(secrets[1]!, body, posted.headers), format === 'standard', format);
    assert.equal(isOurs(secretSamples.standard.replace('A', 'B'), body, posted.headers), false, format);
    assert.equal(isOurs(secrets[0]!, Buffer.concat([body, Buffer.from(' ')]), posted.headers), false, format);
    const old = render(
      format,
      [eventSamples['message.received']],
      newEndpoint(format),
      signing({ secrets }),
    )!;
    assert.equal(isOurs(secrets[0]!, body, old.headers), format !== 'standard', format);
  }
});
