import type { ServiceName } from '../calls/services.ts';
import { formatMoney } from '../text/money.ts';

/** An amount in the way of the reader's locale, isolated from the writing direction around it. */
export function Money({ amount, currency }: { amount: string; currency: string }) {
  return <bdi>{formatMoney(amount, currency)}</bdi>;
}

/** A service's name, with its identifier in small print where that is another. */
export function ServiceLabel({ name: { label, id } }: { name: ServiceName }) {
  return (
    <span className="service">
      <strong>
        <bdi>{label}</bdi>
      </strong>
      {id !== label && <small>{id}</small>}
    </span>
  );
}

/** Where something is specified: `RFC 9068 §4, RFC 9700 §2.3`. A line ends between two of them only. */
export function Source({ text }: { text: string }) {
  return (
    <span className="source">
      {text.split(', ').map((place, index) => (
        <span key={place}>{`${index > 0 ? ', ' : ''}${place.replaceAll(' ', '\u00a0')}`}</span>
      ))}
    </span>
  );
}
