import assert from 'node:assert/strict';
import { it } from 'node:test';
import { needsWindow, type WindowQuestion } from './needs-window.ts';

const day = 24 * 3_600_000;
const now = 10 * day;
const question: WindowQuestion = {
  content: { type: 'text', text: { body: 'hi' } },
  recipient: { kind: 'phone' },
  number: { windowPolicy: 'check', listeningSince: now - day },
  sendAt: null,
  now,
};

for (const [about, change] of [
  ['a text now', {}],
  ['a reaction', { content: { type: 'reaction', reaction: {} } }],
  ['to a user id', { recipient: { kind: 'user' } }],
  ['a send time that has passed', { sendAt: now }],
  [
    'the demo, that listens from the beginning of time',
    { number: { windowPolicy: 'check', listeningSince: 0 } },
  ],
  ['a category that is none of Direct Send', { content: { type: 'text', category: 'marketing' } }],
] as [string, Partial<WindowQuestion>][])
  it(`needs it: ${about}`, () => assert.equal(needsWindow({ ...question, ...change }), true));

for (const [about, change] of [
  ['a template', { content: { type: 'template', template: {} } }],
  ['Direct Send, utility', { content: { type: 'text', category: 'utility' } }],
  ['Direct Send, authentication', { content: { type: 'text', category: 'authentication' } }],
  ['a group', { recipient: { kind: 'group' } }],
  ['scheduled for later', { sendAt: now + 1 }],
  ['a number that lets Meta decide', { number: { windowPolicy: 'meta', listeningSince: 0 } }],
  ['a number that has never listened', { number: { windowPolicy: 'check', listeningSince: null } }],
  [
    'a number that listens since yesterday',
    { number: { windowPolicy: 'check', listeningSince: now - day + 1 } },
  ],
] as [string, Partial<WindowQuestion>][])
  it(`Meta decides: ${about}`, () => assert.equal(needsWindow({ ...question, ...change }), false));
