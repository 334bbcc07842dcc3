/**
 * Rows that one process at a time looks after, such as endpoints and broadcasts: it writes its id there, and the hold counts as long as it
 * has a row in `processes` (messages/presence.ts). So no clock decides about it and nothing has to be renewed.
 */

/** In a condition: nobody holds the row, or who did is not among the living. */
export const isNobodys = (holder: string): string =>
  `(${holder} is null or not exists (select 1 from processes where processes.id = ${holder}))`;

/** In a condition: this process is among the living, so that its hold would count. */
export const isLiving = (processId: string): string =>
  `exists (select 1 from processes where processes.id = ${processId})`;
