import { createSecureContext } from "node:tls";

/**
 * Who one is in TLS, as PEM text: every stream is encrypted, and both ends must show a certificate that `ca` has signed. A
 * listener's certificate must be for the name or address that it is dialled at.
 */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** An identity that may be replaced while a runtime goes by it. */
export interface RenewableTls {
  /** As it is now. */
  readonly identity: TlsIdentity;
  /**
   * Takes another one for the streams that are opened from now on, by either side; those that are open stay as they are.
   *
   * @throws Error of OpenSSL when it cannot be read, and then nothing has changed
   */
  renew(identity: TlsIdentity): void;
  /** Calls back after each renewal, until what it returns is called. */
  onRenewal(listener: () => void): () => void;
}

/**
 * An identity for `nodeRuntime({ tls })` whose certificates can be renewed without a restart.
 *
 * @throws Error of OpenSSL when the key or a certificate cannot be read, or they do not belong together
 * @example
 * const tls = renewableTls({ key, cert, ca });
 * const runtime = nodeRuntime({ tls });
 * tls.renew({ key: newKey, cert: newCert, ca });
 */
export function renewableTls(first: TlsIdentity): RenewableTls {
  createSecureContext({ ...first });
  let identity = first;
  const listeners = new Set<() => void>();
  return {
    get identity() {
      return identity;
    },
    renew(next) {
      createSecureContext({ ...next });
      identity = next;
      for (const listener of listeners) listener();
    },
    onRenewal(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
