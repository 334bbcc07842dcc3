/** What a command ends with when it does not succeed: one clear text on stderr and an exit code that scripts can tell apart. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;

export class CliFailure extends Error {
  readonly exitCode: number;
  /** The answer that refused, for --json. */
  readonly problem: unknown;
  constructor(exitCode: number, message: string, problem?: unknown) {
    super(message);
    this.exitCode = exitCode;
    this.problem = problem;
  }
}

export const usage = (message: string) => new CliFailure(exitCodes.usage, message);
export const failed = (message: string, problem?: unknown) =>
  new CliFailure(exitCodes.failed, message, problem);
export const unreachable = (message: string) => new CliFailure(exitCodes.unreachable, message);
