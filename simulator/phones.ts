/** The phones on the other side. Every number is on WhatsApp and reads its messages, unless told otherwise. */
export type Phone = {
  on_whatsapp: boolean;
  read_receipts: boolean;
  profile_name: string;
  wa_id: string;
  /** With every account; null: made from the number and the account. */
  user_id: string | null;
};

type Written = {
  wamid: string;
  phoneNumberId: string;
  from: string;
  type: string;
  at: number;
  readAt: number | null;
  typingAt: number | null;
};

export type Phones = ReturnType<typeof createPhones>;

const mostWritten = 200_000;

export function createPhones() {
  const told = new Map<string, Phone>();
  const written = new Map<string, Written>();

  const ordinary = (digits: string): Phone => ({
    on_whatsapp: true,
    read_receipts: true,
    profile_name: `Phone ${digits.slice(-4)}`,
    wa_id: digits,
    user_id: null,
  });
  const get = (digits: string) => told.get(digits) ?? ordinary(digits);

  return {
    get,
    set(digits: string, patch: Partial<Phone>): Phone {
      const phone = { ...get(digits), ...patch };
      told.set(digits, phone);
      return phone;
    },
    /** Remembers what a phone wrote, so that it can be read, reacted to or quoted; the oldest are forgotten. */
    wrote(message: Omit<Written, 'at' | 'readAt' | 'typingAt'>): void {
      written.set(message.wamid, { ...message, at: Date.now(), readAt: null, typingAt: null });
      if (written.size <= mostWritten) return;
      const oldest = written.keys().next();
      if (!oldest.done) written.delete(oldest.value);
    },
    written: (wamid: string) => written.get(wamid),
    clear(): void {
      told.clear();
      written.clear();
    },
  };
}
