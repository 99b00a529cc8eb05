// Owns: the end of a daemon whose test is gone, however that ended. Loaded by way of NODE_OPTIONS
// into every daemon of daemon.ts: its standard input is a pipe from the test's process.

process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL'));
process.stdin.once('error', () => process.kill(process.pid, 'SIGKILL'));
process.stdin.resume();
process.stdin.unref();
