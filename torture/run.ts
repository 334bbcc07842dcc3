/**
 * `npm run torture`: real programs on loopback, everything going wrong at once, and an oracle that compares what callers were
 * told with what phones got. Ends with 1 when something was lost, doubled, astray or in disagreement.
 */
import { readOptions, usage } from './options.ts';
import { isClean, printReport } from './report.ts';
import { torture } from './torture.ts';

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  // First of all, so that it is known whatever happens; on stderr when stdout is for a machine.
  const say = options.json ? console.error : console.log;
  say(`seed ${options.seed}`);
  const report = await torture(options, say);
  if (options.json) console.log(JSON.stringify(report));
  else printReport(report, console.log);
  return isClean(report) ? 0 : 1;
}

process.exitCode = await main();
