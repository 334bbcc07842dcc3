/** Numbers that too many people blocked or reported: switched on from outside, until a time or until switched off. */
export function createSpam() {
  const until = new Map<string, number>();

  return {
    set(phoneNumberId: string, to: number | null): void {
      if (to === null) until.delete(phoneNumberId);
      else until.set(phoneNumberId, to);
    },
    isOn: (phoneNumberId: string, now: number) => (until.get(phoneNumberId) ?? now) > now,
    clear: () => until.clear(),
  };
}
