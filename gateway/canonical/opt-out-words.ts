/** The words by which people end marketing and take it up again, and how a message is recognised as one of them. Pure. */

/** By language, for people to look after; a message is held against all of them. */
export type OptOutWords = Record<string, { stop: string[]; start: string[] }>;

/**
 * Words that stand for a whole message. YES or CONTINUE would take up what nobody asked for, so they are missing among the starts.
 * RET is what Turkish law has people answer to commercial messages.
 */
export const defaultWords: OptOutWords = {
  en: {
    stop: ['STOP', 'STOP ALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'OPT OUT', 'STOP PROMOTIONS'],
    start: ['START', 'UNSTOP', 'SUBSCRIBE', 'OPT IN'],
  },
  tr: {
    stop: ['DUR', 'DURDUR', 'İPTAL', 'ÇIK', 'ÇIKIŞ', 'RET', 'RED', 'İSTEMİYORUM', 'ABONELİKTEN ÇIK'],
    start: ['BAŞLA', 'BAŞLAT', 'ABONE OL'],
  },
  ar: { stop: ['إيقاف', 'توقف', 'قف', 'إلغاء الاشتراك'], start: ['ابدأ', 'اشتراك', 'استئناف'] },
  de: { stop: ['STOPP', 'ABMELDEN', 'ABBESTELLEN', 'ABBRECHEN'], start: ['STARTEN', 'ANMELDEN'] },
  es: { stop: ['ALTO', 'BAJA', 'PARAR', 'CANCELAR', 'DETENER'], start: ['ALTA', 'INICIAR', 'SUSCRIBIR'] },
  fr: { stop: ['ARRÊT', 'ARRÊTER', 'DÉSABONNER', 'DÉSINSCRIRE', 'ANNULER'], start: ['REPRENDRE', 'ABONNER'] },
  hi: { stop: ['बंद', 'बंद करें', 'रोकें', 'रुकें'], start: ['शुरू', 'शुरू करें'] },
  id: { stop: ['BERHENTI', 'BATAL', 'KELUAR'], start: ['MULAI', 'LANGGANAN'] },
  it: { stop: ['FERMA', 'BASTA', 'ANNULLA', 'DISISCRIVIMI', 'CANCELLAMI'], start: ['INIZIA', 'ISCRIVIMI'] },
  nl: { stop: ['STOPPEN', 'AFMELDEN', 'UITSCHRIJVEN', 'OPZEGGEN'], start: ['STARTEN', 'AANMELDEN'] },
  pl: { stop: ['WYPISZ', 'REZYGNUJĘ', 'ANULUJ', 'ZATRZYMAJ'], start: ['ZAPISZ', 'WZNÓW'] },
  pt: { stop: ['PARE', 'PARAR', 'SAIR', 'CANCELAR', 'DESCADASTRAR'], start: ['COMEÇAR', 'INSCREVER'] },
  ru: { stop: ['СТОП', 'ОТПИСАТЬСЯ', 'ОТПИСКА', 'ОТМЕНА'], start: ['СТАРТ', 'ПОДПИСАТЬСЯ'] },
  sw: { stop: ['ACHA', 'SIMAMISHA', 'ONDOA'], start: ['ANZA'] },
};

/**
 * What is compared of a text: letters and digits, without case, accents, punctuation, emoji and white space. The four Turkish i (İ ı I i)
 * become one, since people also type them on keyboards that have only two.
 */
export function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll('ı', 'i')
    .replace(/[\u0300-\u036f]|[\u064b-\u0655]|[\ufe00-\ufe0f]|[^\p{L}\p{N}\p{M}]/gu, '');
}

export type Wish = 'stop' | 'start';

/** What a whole text of a person asks for; undefined when it is a message like any other. */
export type ReadWish = (text: string) => Wish | undefined;

/** Longer than any word that may be given, also when it is written with much around it. */
const textMax = 200;

export function wishReader(words: OptOutWords): ReadWish {
  const wishes = new Map<string, Wish>();
  for (const { stop, start } of Object.values(words)) {
    for (const word of start) wishes.set(folded(word), 'start');
    // Of a word that is in both, in two languages, the safe meaning.
    for (const word of stop) wishes.set(folded(word), 'stop');
  }
  wishes.delete('');
  return text => (text.length > textMax ? undefined : wishes.get(folded(text)));
}
