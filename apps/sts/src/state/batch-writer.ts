import { OverloadedError } from '@behalf/database';

export interface BatchWriterOptions<Row> {
  /** Writes all rows or none. */
  readonly insert: (rows: readonly Row[]) => Promise<void>;
  /** Writes one row of a batch that failed; a row that the batch did write after all counts as written. */
  readonly insertAgain: (row: Row) => Promise<void>;
  readonly maximumRows: number;
  /** Rows that wait for their turn; one more is refused with OverloadedError. */
  readonly maximumWaiting: number;
}

/** Turns of the event loop, which take microseconds while nothing happens. */
const MAXIMUM_TURNS = 4;

interface Waiting<Row> {
  readonly row: Row;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: rows that arrive while a batch is being written form the next batch. When a batch fails, its rows are
 * tried one by one, so that a row that cannot be stored fails its own caller alone.
 */
export function createBatchWriter<Row>(options: BatchWriterOptions<Row>) {
  const { insert, insertAgain, maximumRows, maximumWaiting } = options;
  let waiting: Waiting<Row>[] = [];
  let running = false;
  let latestSize = 0;

  /** Lets requests that are being read join the batch, as long as the batch before it was larger; a few turns at most. */
  async function gather(): Promise<void> {
    for (let turn = 0; turn < MAXIMUM_TURNS && waiting.length < latestSize; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    latestSize = waiting.length;
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      await gather();
      const batch = waiting.length <= maximumRows ? waiting : waiting.slice(0, maximumRows);
      waiting = waiting.length <= maximumRows ? [] : waiting.slice(maximumRows);
      try {
        await insert(batch.map(({ row }) => row));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error);
        else for (const one of batch) await insertAgain(one.row).then(one.resolve, one.reject);
      }
    }
    running = false;
  }

  return {
    /** Resolves when the row is durable; rejects when it is not. */
    write: (row: Row) =>
      new Promise<void>((resolve, reject) => {
        if (waiting.length >= maximumWaiting) return reject(new OverloadedError('too many rows wait'));
        waiting.push({ row, resolve, reject });
        if (running) return undefined;
        running = true;
        // Requests that were read from the network in the same turn join the first batch.
        return setImmediate(() => void run());
      }),
  };
}
