/** Why the program cannot start, one clear sentence each: for a person, without a stack trace. */
export class StartProblem extends Error {
  readonly problems: string[];
  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
