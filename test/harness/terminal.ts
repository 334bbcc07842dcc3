/** A program on a terminal, which `script` of util-linux gives it; on other systems tests of it are skipped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export const withoutTerminal = process.platform !== 'linux' && 'needs `script` of util-linux';

export interface OnTerminal {
  /** Types a line when it has been asked. */
  answer(question: string, line: string): Promise<void>;
  /** What stood on the terminal. */
  ended: Promise<{ code: number; text: string }>;
}

export function onTerminal(command: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): OnTerminal {
  const quoted = command.map(part => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['-qefc', quoted, '/dev/null'], { ...options, stdio: 'pipe' });
  let text = '';
  let read = Promise.withResolvers<void>();
  child.stdout.on('data', part => {
    text += String(part);
    read.resolve();
    read = Promise.withResolvers();
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, text }));
  return {
    async answer(question, line) {
      while (!text.includes(question)) {
        const isOver = await Promise.race([read.promise, ended]);
        if (isOver !== undefined) throw new Error(`it ended without ${question}:\n${text}`);
      }
      child.stdin.write(`${line}\n`);
    },
    ended,
  };
}
