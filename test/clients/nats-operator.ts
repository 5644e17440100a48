import { jwtAuthenticator, nkeys, type Authenticator } from "@nats-io/transport-node";

/** A NATS server's trust in an operator: its configuration, and a user of the operator's only account. */
export interface NatsOperator {
  readonly configuration: string;
  /** Of a user whose rights end at this time, in seconds since 1970. */
  authenticator(expiresAt: number): Authenticator;
}

/** Makes the keys and signs what they claim, as `nsc` does (NATS documentation, decentralized JWT authentication). */
export function createNatsOperator(): NatsOperator {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const claim = (issuer: typeof operator, subject: typeof operator, nats: object, more: object = {}): string => {
    const claims = { jti: "1", iat: 1, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats, ...more };
    const text = `${encoded({ typ: "JWT", alg: "ed25519-nkey" })}.${encoded(claims)}`;
    return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
  };
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const accountClaim = claim(operator, account, { type: "account", version: 2, limits });
  return {
    configuration: `
      operator: ${claim(operator, operator, { type: "operator", version: 2 })}
      resolver: MEMORY
      resolver_preload: { ${account.getPublicKey()}: ${accountClaim} }`,
    authenticator(expiresAt) {
      const rights = { type: "user", version: 2, pub: {}, sub: {}, ...unlimited };
      return jwtAuthenticator(claim(account, user, rights, { exp: expiresAt }), user.getSeed());
    },
  };
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
