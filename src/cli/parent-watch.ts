// Owns: the end of a child whose launcher is gone. Loaded with `node --import` into every process
// that helios-cluster starts: standard input is a pipe from the launcher, which the system closes
// however the launcher ends, also by SIGKILL. The child then gets an ordinary SIGTERM, and ten
// seconds later it is ended for good.

const GRACE_MS = 30_000;

function parentGone(): void {
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}

process.stdin.once('end', parentGone);
process.stdin.once('error', parentGone);
process.stdin.resume();
// Watching must not be what keeps a process alive that has nothing else to do.
if ('unref' in process.stdin) process.stdin.unref();
