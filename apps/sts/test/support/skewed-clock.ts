/** Loaded into a process with `--import`: its clock is `CLOCK_SKEW_SECONDS` off, for everything that runs in it. */
const skewMs = Number(process.env['CLOCK_SKEW_SECONDS'] ?? 0) * 1000;

const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...parameters: ConstructorParameters<DateConstructor> | []) {
    if (parameters.length === 0) super(RealDate.now() + skewMs);
    else super(...(parameters as [number]));
  }

  static override now(): number {
    return RealDate.now() + skewMs;
  }
}

globalThis.Date = SkewedDate as DateConstructor;
