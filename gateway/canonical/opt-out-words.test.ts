import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultWords, folded, wishReader } from './opt-out-words.ts';

const read = wishReader(defaultWords);

describe('a whole message that is a word', () => {
  for (const [text, wish] of [
    ...['STOP', 'stop', ' Stop! ', 'S.T.O.P.', 'stop\n', 'Stop ❤️', 'ＳＴＯＰ', 'opt-out', 'Unsubscribe.'].map(
      text => [text, 'stop'],
    ),
    // All four Turkish i, and what a keyboard without them gives.
    ...[
      'iptal',
      'İPTAL',
      'IPTAL',
      'ıptal',
      'İptal',
      'dur',
      'DUR.',
      'Çık',
      'CIK',
      'çıkış',
      'istemiyorum',
      'Ret',
    ].map(text => [text, 'stop']),
    ...['إيقاف', 'ايقاف', 'СТОП', 'отписаться', 'बंद करें', 'arret', 'Arrêt', 'désabonner', 'rezygnuję'].map(
      text => [text, 'stop'],
    ),
    ...['START', 'start!', 'BAŞLA', 'basla', 'Başlat', 'abone ol', 'старт', 'शुरू'].map(text => [
      text,
      'start',
    ]),
    ...[
      'please stop',
      'stop it',
      'Dur bir dakika',
      'yes',
      'evet',
      '',
      '👍',
      '!!!',
      'बद',
      `stop${' '.repeat(500)}`,
    ].map(text => [text, undefined]),
  ] as [string, string | undefined][]) {
    it(`${JSON.stringify(text.slice(0, 30))} is ${wish ?? 'a message like any other'}`, () =>
      assert.equal(read(text), wish));
  }
});

it('the default words: a dozen languages, none of them both a stop and a start', () => {
  assert.ok(Object.keys(defaultWords).length >= 12);
  const lists = Object.values(defaultWords);
  const stops = new Set(lists.flatMap(({ stop }) => stop.map(folded)));
  for (const word of lists.flatMap(({ start }) => start)) assert.ok(!stops.has(folded(word)), word);
  for (const word of stops) assert.notEqual(word, '');
});

it('of a word that is in both lists the safe meaning', () => {
  assert.equal(wishReader({ a: { stop: [], start: ['ok'] }, b: { stop: ['OK'], start: [] } })('ok'), 'stop');
});
