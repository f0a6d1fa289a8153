/**
 * Loaded into each service with `--import`: the service stops as if it had been asked to when the process that started it is
 * gone. The IPC channel closes with the parent, even if that was killed.
 */
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 15_000).unref();
});
process.channel?.unref();

export {};
