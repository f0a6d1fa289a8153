/** Writes rows that come at the same time together. */
export interface BatchWriter<Row> {
  /** Resolves when the row is durable; rejects when it is not. */
  write(row: Row): Promise<void>;
}

interface Waiting<Row> {
  readonly row: Row;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while a batch is being written forms the next batch. `insert` writes all rows or none.
 * When a batch fails, its rows are tried one by one, so that a row that cannot be stored fails its own caller alone.
 */
export function createBatchWriter<Row>(
  insert: (rows: readonly Row[]) => Promise<void>,
  maximumRows: number,
): BatchWriter<Row> {
  const waiting: Waiting<Row>[] = [];
  let running = false;

  const writeBatch = async (batch: readonly Waiting<Row>[]): Promise<void> => {
    try {
      await insert(batch.map(({ row }) => row));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1) return batch[0]?.reject(error);
      for (const one of batch) await writeBatch([one]);
    }
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) await writeBatch(waiting.splice(0, maximumRows));
    running = false;
  };

  return {
    write: (row) =>
      new Promise((resolve, reject) => {
        waiting.push({ row, resolve, reject });
        if (running) return;
        running = true;
        // Requests that were read from the network in the same turn join the first batch.
        setImmediate(() => void run());
      }),
  };
}
