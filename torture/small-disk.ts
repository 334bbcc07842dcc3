/** A disk of a few MB that can be full: a tmpfs of our own, whose size is set to what it holds and back. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync } from 'node:fs';

export interface SmallDisk {
  folder: string;
  /** From now on no byte more. */
  fill(): void;
  free(): void;
  remove(): void;
}

const system = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

/** Why there can be none here; false where there can. */
export function cannotMount(): string | false {
  if (process.platform !== 'linux') return 'a disk that can be full is a tmpfs, which needs Linux';
  if (process.getuid?.() !== 0) return 'mounting a disk that can be full needs root';
  try {
    // In a view of the mounts that ends with the command.
    system('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
    return false;
  } catch {
    return 'mounting is not allowed here (a container without CAP_SYS_ADMIN)';
  }
}

export function mountSmallDisk(folder: string, sizeMb: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const size = `${sizeMb}m`;
  system('mount', '-t', 'tmpfs', '-o', `size=${size},mode=711`, 'tmpfs', folder);
  const resize = (to: string) => system('mount', '-o', `remount,size=${to}`, folder);
  return {
    folder,
    fill() {
      // Between the look and the remount somebody may write: a size below what is used is refused.
      for (let attempt = 0; ; attempt++) {
        const { blocks, bfree, bsize } = statfsSync(folder);
        try {
          resize(String((blocks - bfree + attempt) * bsize));
          return;
        } catch (error) {
          if (attempt === 50) throw error;
        }
      }
    },
    free: () => void resize(size),
    remove() {
      // Lazily: a process that is about to end may still hold a file.
      system('umount', '--lazy', folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
