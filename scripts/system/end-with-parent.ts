/**
 * Loaded into each part with `--import`: when the process that started it is gone, however it ended, the part stops as
 * if it had been asked to. The IPC channel closes with the parent, even if that was killed.
 */
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 15_000).unref();
});
process.channel?.unref();

export {};
