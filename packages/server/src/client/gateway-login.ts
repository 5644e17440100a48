import { CoordinationError } from "holdfast/coordination";

/** A user as the cluster knows it. */
export interface GatewayUser {
  readonly name: string;
  readonly password: string;
}

/** Keeps a user's token: asked for when first needed, and again when the cluster no longer takes it. */
export class GatewayLogin {
  #token: Promise<string> | undefined;

  /** The token, empty while the cluster's users are not enabled. @param authenticate asks for one */
  async token(authenticate: () => Promise<string>): Promise<string> {
    const asked = (this.#token ??= authenticate().catch((error: unknown) => {
      if (error instanceof CoordinationError && error.code === "AUTH_NOT_ENABLED") return "";
      throw error;
    }));
    try {
      return await asked;
    } catch (error) {
      if (this.#token === asked) this.#token = undefined;
      throw error;
    }
  }

  /** Whether it is worth asking for another token: the refusal says that this one, or none, will not do. */
  renew(refusal: Error): boolean {
    if (!(refusal instanceof CoordinationError)) return false;
    if (refusal.code !== "INVALID_AUTH_TOKEN" && refusal.code !== "USER_EMPTY") return false;
    this.#token = undefined;
    return true;
  }
}
