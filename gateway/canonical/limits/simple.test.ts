import type { Json, JsonObject } from '../json.ts';
import { of, table } from './test-table.ts';

const text = (members: Json): JsonObject => ({ type: 'text', text: members });
const image = (members: Json): JsonObject => ({ type: 'image', image: members });

table('text and media', [
  ['a text', text({ body: 'hi', preview_url: true }), []],
  ['4096 characters', text({ body: of(4096) }), []],
  ['4096 emoji are 4096 characters', text({ body: '😀'.repeat(4096) }), []],
  ['4097 characters', text({ body: of(4097) }), ['text.body length']],
  ['an empty text', text({ body: '' }), ['text.body length']],
  ['null is absent', text({ body: null }), ['text.body required']],
  ['no text object', { type: 'text' }, ['text required']],
  ['a text that is a string', text('hi'), ['text type']],
  ['a body that is an object', text({ body: {} }), ['text.body type']],
  ['preview_url in words', text({ body: 'hi', preview_url: 'maybe' }), ['text.preview_url type']],
  ['an unknown member passes', text({ body: 'hi', shiny: { new: 1 } }), []],
  ['a media id as a number', image({ id: 1234567890 }), []],
  ['a number that has lost digits is no id', image({ id: 2 ** 60 }), ['image.id type']],
  ['neither id nor link', image({}), ['image required']],
  ['both id and link', image({ id: '1', link: 'https://a.b/c.jpg' }), ['image conflict']],
  ['link null is absent', image({ id: '1', link: null }), []],
  ['a link without http', image({ link: 'ftp://a.b/c' }), ['image.link format']],
  ['a caption of 1025', image({ id: '1', caption: of(1025) }), ['image.caption length']],
  ['context', { ...text({ body: 'hi' }), context: { message_id: 'wamid.x' } }, []],
  ['context without its id', { ...text({ body: 'hi' }), context: {} }, ['context.message_id required']],
]);

const location = (members: JsonObject): JsonObject => ({ type: 'location', location: members });
const contacts = (...list: Json[]): JsonObject => ({ type: 'contacts', contacts: list });
const jo = { name: { formatted_name: 'Jo' } };

table('location, contacts, reaction', [
  ['numbers', location({ latitude: 37.7, longitude: -122.4 }), []],
  ['strings', location({ latitude: '37.7', longitude: '-122.4' }), []],
  [
    'words',
    location({ latitude: 'north', longitude: '' }),
    ['location.latitude type', 'location.longitude type'],
  ],
  ['off the globe', location({ latitude: 91, longitude: 0 }), ['location.latitude format']],
  ['no longitude', location({ latitude: 1 }), ['location.longitude required']],
  ['one contact', contacts(jo), []],
  ['none', contacts(), ['contacts count']],
  ['257', contacts(...Array.from({ length: 257 }, () => jo)), []],
  ['258', contacts(...Array.from({ length: 258 }, () => jo)), ['contacts count']],
  ['contacts that are an object', { type: 'contacts', contacts: jo }, ['contacts type']],
  ['a contact that is a string', contacts('Jo'), ['contacts[0] type']],
  ['no name', contacts({}), ['contacts[0].name required']],
  ['no formatted name', contacts({ name: {} }), ['contacts[0].name.formatted_name required']],
  ['a phone without number', contacts({ ...jo, phones: [{}] }), ['contacts[0].phones[0].phone required']],
  ['a wrong birthday', contacts({ ...jo, birthday: '1.2.2000' }), ['contacts[0].birthday format']],
  ['a reaction', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '😀' } }, []],
  ['a reaction taken back', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '' } }, []],
  [
    'a reaction to nothing',
    { type: 'reaction', reaction: { emoji: '😀' } },
    ['reaction.message_id required'],
  ],
]);
