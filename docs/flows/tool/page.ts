const START = '<!-- From a real run, written by `pnpm flows`: -->';
const END = '<!-- End of the run. -->';
/** Parameters and members whose value is a promise; of all others only the name is. */
const PROMISED =
  /^(grant_type|scope|audience|resource|response_type|code_challenge_method|subject_token_type|requested_token_type|issued_token_type|token_type|error|reason|iss|aud|client_id|sub|status|active)$/;

/** The page with this run between its markers. Throws when it has none. */
export function withRun(page: string, run: string): string {
  const [start, end] = bounds(page);
  return `${page.slice(0, start)}${START}\n\n${run}\n\n${page.slice(end)}`;
}

/** The run between the markers of a page. */
export function runOf(page: string): string {
  const [start, end] = bounds(page);
  return page.slice(start + START.length, end).trim();
}

function bounds(page: string): readonly [number, number] {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start < 0 || end < start) throw new Error(`the page has no place for a run: ${START} … ${END}`);
  return [start, end];
}

/**
 * The promises of a run, without its values: who asks whom and in which form, the status, the headers, the names of
 * parameters, members and claims. Calls that run side by side may come in any order.
 */
export function shapeOf(run: string): readonly string[] {
  return run.split(/^(?=## )/m).flatMap((step) => {
    const [head = '', ...exchanges] = step.split(/^(?=\*\*.+ → )/m);
    return [...head.trim().split('\n').toSorted(), ...exchanges.map(withoutValues).toSorted()];
  });
}

function withoutValues(exchange: string): string {
  return exchange
    .trim()
    .split('\n')
    .map((line) => shapeOfHeader(shapeOfParameter(shapeOfMember(line))))
    .join('\n');
}

/** `"name": "value",` */
function shapeOfMember(line: string): string {
  const [, indent = '', name = '', value = '', comma = ''] = /^(\s*)"([^"]+)": (.*?)(,?)$/.exec(line) ?? [];
  if (name === '' || value === '{' || value === '[' || PROMISED.test(name)) return line;
  const kind = value.startsWith('"') ? 'text' : /^-?\d/.test(value) ? 'number' : value;
  return `${indent}"${name}": ${kind}${comma}`;
}

/** `&name=value` */
function shapeOfParameter(line: string): string {
  const [, name = ''] = /^ *(?:[A-Z]+ \S+\?)?&?([a-z_]+)=/.exec(line) ?? [];
  return name === '' || PROMISED.test(name) ? line : line.slice(0, line.indexOf('=') + 1);
}

/** `Location: …` with its parameters' names alone. */
function shapeOfHeader(line: string): string {
  if (line.startsWith('Idempotency-Key:')) return 'Idempotency-Key:';
  if (line.startsWith('Set-Cookie:')) return line.replace(/expires=[^;]+/i, 'expires=…');
  return line.startsWith('Location:') ? line.replaceAll(/([?&][a-z_]+)=[^&]*/g, '$1=') : line;
}
