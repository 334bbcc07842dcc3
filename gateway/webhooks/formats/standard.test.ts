import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { newEndpoint, signing } from './endpoint-samples.ts';
import { eventSamples } from './event-samples.ts';
import { render } from './render.ts';
import { newSecret } from './secret.ts';

const endpoint = newEndpoint('standard');
const received = eventSamples['message.received'];

describe('the standard format', () => {
  it('to the byte, with the signature of the example in the specification', () => {
    // github.com/standard-webhooks/standard-webhooks: the secret, id, moment and body that its own libraries are tested with.
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const nowMs = 1_614_265_330_000;
    const { body, headers } = render(
      'standard',
      [{ ...eventSamples['balance.low'], id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' }],
      endpoint,
      signing({ secrets: [secret], nowMs }),
    )!;
    assert.equal(
      body,
      '{"type":"balance.low","timestamp":"2026-11-28T09:30:15.000Z","data":{"balance":{"available":"4.20","currency":"USD","threshold":"5.00"}}}',
    );
    const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const text = `msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.${body}`;
    assert.deepEqual(headers, {
      'content-type': 'application/json',
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': `v1,${createHmac('sha256', key).update(text).digest('base64')}`,
    });
  });

  it('passes the verifier under the new and the old secret while both live, and under no other', () => {
    const [fresh, old, other] = [newSecret('standard'), newSecret('standard'), newSecret('standard')];
    // The verifier looks at the clock.
    const live = signing({ secrets: [fresh, old], nowMs: Date.now() });
    for (const event of Object.values(eventSamples)) {
      const { body, headers } = render('standard', [event], endpoint, live)!;
      const read = { type: event.type, timestamp: '2026-11-28T09:30:15.000Z', data: event.data };
      for (const secret of [fresh, old]) assert.deepEqual(new Webhook(secret).verify(body, headers), read);
      assert.throws(() => new Webhook(other).verify(body, headers), /No matching signature/);
      assert.throws(() => new Webhook(fresh).verify(`${body} `, headers), /No matching signature/);
    }
    const [first, second] = render('standard', [received], endpoint, live)!.headers[
      'webhook-signature'
    ]!.split(' ');
    const alone = (secret: string) =>
      render('standard', [received], endpoint, { ...live, secrets: [secret] })!.headers['webhook-signature'];
    assert.deepEqual([first, second], [alone(fresh), alone(old)]);
  });

  it('gives a repeated event its id again, and the moment of the repeat', () => {
    const [one, later] = [0, 3_600_000].map(
      ms => render('standard', [received], endpoint, signing({ nowMs: 1_700_000_000_000 + ms }))!,
    );
    assert.equal(later!.body, one!.body);
    assert.equal(later!.headers['webhook-id'], one!.headers['webhook-id']);
    assert.equal(later!.headers['webhook-timestamp'], '1700003600');
    assert.notEqual(later!.headers['webhook-signature'], one!.headers['webhook-signature']);
  });

  it('keeps non-ASCII text as it is', () => {
    const { body } = render('standard', [received], endpoint, signing())!;
    assert.ok(body.includes('Günaydın 🎉 a/b <c> 100% me@example.com'));
  });

  it('tells a moment beyond the last Date as the last one', () => {
    const { body } = render('standard', [{ ...received, at: 1e300 }], endpoint, signing())!;
    assert.ok(body.includes('"timestamp":"+275760-09-13T00:00:00.000Z"'));
  });
});
