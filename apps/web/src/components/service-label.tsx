import type { ServiceName } from '../calls/services.ts';

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
