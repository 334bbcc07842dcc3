import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createTestbed, phoneId } from './testbed.ts';

const folder = new URL('./examples/', import.meta.url);
// Named in Meta's examples as placeholders; nobody has them.
const unknownTemplates = [
  'send-catalog-template-message.json',
  'send-flow-template-message.json',
  'send-message-template-interactive.json',
  'send-message-template-media.json',
  'send-message-template-text.json',
];

let bed: Awaited<ReturnType<typeof createTestbed>>;
before(async () => {
  bed = await createTestbed();
});
after(() => bed.close());

for (const name of readdirSync(folder)) {
  test(`Meta's example ${name}`, async () => {
    const wamid = await bed.write({ text: 'hello' });
    const text = readFileSync(new URL(name, folder), 'utf8')
      .replaceAll('{{TO}}', '+1 (650) 555-1234')
      .replaceAll('{{WAMID}}', wamid)
      .replace(/\{\{MEDIA:\w+\}\}/g, '1013859600285441');
    const { status, json } = await bed.call('POST', `/v23.0/${phoneId}/messages`, text);
    if (unknownTemplates.includes(name)) {
      assert.equal(status, 404);
      assert.equal(json.error.code, 132001);
      return;
    }
    assert.equal(status, 200, JSON.stringify(json));
    if (name.includes('read-receipt')) {
      assert.deepEqual(json, { success: true });
      return;
    }
    assert.deepEqual(json.contacts, [{ input: '+1 (650) 555-1234', wa_id: '16505551234' }]);
    const template = text.includes('"template"');
    assert.equal(json.messages[0].message_status, template ? 'accepted' : undefined);
  });
}
